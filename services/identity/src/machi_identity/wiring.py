"""Who gets what."""

from functools import partial
from pathlib import Path

from machi.consent.v1.consent_service_pb2_grpc import add_ConsentServiceServicer_to_server
from machi.dialogue.v1.dialogue_service_pb2_grpc import add_DialogueServiceServicer_to_server
from machi.identity.v1.identity_service_pb2_grpc import add_IdentityServiceServicer_to_server
from machi.identity.v1.staff_service_pb2_grpc import add_StaffServiceServicer_to_server
from machi.pods.v1.pod_registry_service_pb2_grpc import add_PodRegistryServiceServicer_to_server
from machi_identity.adapters.citizens import LoneCitizens
from machi_identity.adapters.standings import PgStandingsNow
from machi_identity.adapters.work import CONSTRAINTS, IdentityWork
from machi_identity.entrypoints.consent_rpc import ConsentRpc
from machi_identity.entrypoints.dialogues.help import HelpDialogue
from machi_identity.entrypoints.dialogues.language import LanguageDialogue
from machi_identity.entrypoints.dialogues.link import LinkDialogue
from machi_identity.entrypoints.dialogues.menu import Menu
from machi_identity.entrypoints.dialogues.messages import MessagesDialogue
from machi_identity.entrypoints.dialogues.privacy import PrivacyDialogue
from machi_identity.entrypoints.dialogues.unlink import UnlinkDialogue
from machi_identity.entrypoints.dialogues.welcome import WelcomeDialogue
from machi_identity.entrypoints.identity_rpc import IdentityRpc
from machi_identity.entrypoints.pods_rpc import PodsRpc
from machi_identity.entrypoints.staff_rpc import StaffRpc
from machi_sdk.dialogue import AtOnce, Dialogue, DialogueEndpoint, DialogueKit
from machi_sdk.service import Pod
from machi_sdk.texts import Texts
from machi_sdk.work import Works

TEXTS = Texts(Path(__file__).parent / "texts")


async def assemble(pod: Pod) -> None:
    """Hang identity's services on the pod."""
    works = pod.works(IdentityWork, CONSTRAINTS)
    kit = DialogueKit(works, dialogues(works, pod), pod.clock)
    pod.serve(add_IdentityServiceServicer_to_server, IdentityRpc(works, partial(LoneCitizens, works), pod.clock))
    pod.serve(add_StaffServiceServicer_to_server, StaffRpc(works, pod.settings.tenants))
    pod.serve(add_ConsentServiceServicer_to_server, ConsentRpc(works, PgStandingsNow(works), pod.clock))
    pod.serve(add_PodRegistryServiceServicer_to_server, PodsRpc(works, pod.clock, pod.settings.machi_default_tenant))
    pod.serve(add_DialogueServiceServicer_to_server, DialogueEndpoint(kit, works))


def dialogues(works: Works[IdentityWork], pod: Pod) -> list[Dialogue[IdentityWork] | AtOnce]:
    """The conversations of the manifest."""
    menu = Menu(pod.installed, TEXTS)
    return [
        WelcomeDialogue(TEXTS, menu, works),
        LanguageDialogue(TEXTS, menu, works),
        HelpDialogue(TEXTS, menu),
        PrivacyDialogue(TEXTS),
        MessagesDialogue(TEXTS, works),
        LinkDialogue(TEXTS, works, lambda code: pod.keys.seal("link code", code), pod.faultpoints.reach),
        UnlinkDialogue(TEXTS, works),
    ]
