"""One turn: a person opens a dialogue, as a channel asks for it. The same event id again gets the same answer."""

from machi.dialogue.v1.dialogue_service_pb2 import Open, TurnRequest, TurnResponse
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi_sdk.rpc import Peers, for_tenant


async def open_language(peers: Peers, event_id: str, citizen_id: str, language: str) -> TurnResponse:
    """The question for the person's language, asked in `language`."""
    request = TurnRequest(event_id=event_id, citizen_id=citizen_id, channel="line", language=language)
    request.open.CopyFrom(Open(command="language"))
    stub = DialogueServiceStub(peers.channel("identity"))
    return await stub.Turn(request, timeout=3.0, metadata=for_tenant("fukuoka"))
