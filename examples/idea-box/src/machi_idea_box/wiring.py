"""Who gets what."""

from pathlib import Path

from machi.dialogue.v1.dialogue_service_pb2_grpc import add_DialogueServiceServicer_to_server
from machi_idea_box.dialogue import IdeaBoxDialogue, take_back
from machi_idea_box.store import IdeaBoxWork
from machi_sdk.aliases import take_merges
from machi_sdk.dialogue import DialogueEndpoint, DialogueKit
from machi_sdk.service import Pod
from machi_sdk.texts import Texts

TEXTS = Texts(Path(__file__).parent / "texts")


async def assemble(pod: Pod) -> None:
    """Hang the dialogue on the pod, and let what it keeps follow people whose channels are linked."""
    works = pod.works(IdeaBoxWork)
    kit = DialogueKit(works, [IdeaBoxDialogue(TEXTS)], pod.clock, retracted=take_back)
    pod.serve(add_DialogueServiceServicer_to_server, DialogueEndpoint(kit, works))
    pod.consume("machi.citizens.v1", works, take_merges)
