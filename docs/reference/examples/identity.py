"""What are the city's desks called in a person's language?"""

from machi.identity.v1.staff_service_pb2 import ListDesksRequest
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceStub
from machi_sdk.rpc import Peers, for_tenant


async def desk_titles(peers: Peers, language: str) -> dict[str, str]:
    """Titles by desk."""
    stub = StaffServiceStub(peers.channel("identity"))
    answer = await stub.ListDesks(ListDesksRequest(), timeout=3.0, metadata=for_tenant("fukuoka"))
    return {desk.name: desk.titles[language] for desk in answer.desks}
