"""Identity's registry of staff, by rpc."""

import asyncio
from collections.abc import Sequence

from machi.identity.v1.staff_service_pb2 import ListStaffRequest, Staff
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceStub
from machi_reports.domain.conversation import MAY_ACT, Officer
from machi_sdk.errors import Unavailable
from machi_sdk.rpc import Peers, for_tenant

_SECONDS = 1.0
_KNOWN_SECONDS = 30.0


class RpcColleagues:
    """`ports.Colleagues` over StaffService; what was read last serves while identity is silent."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._known: dict[str, tuple[float, dict[str, Staff]]] = {}

    async def refresh(self, tenant: str) -> None:
        """See the port."""
        now = asyncio.get_running_loop().time()
        if tenant in self._known and now - self._known[tenant][0] < _KNOWN_SECONDS:
            return
        stub = StaffServiceStub(self._peers.channel("identity"))
        try:
            answer = await stub.ListStaff(ListStaffRequest(), timeout=_SECONDS, metadata=for_tenant(tenant))
        except Unavailable:
            if tenant not in self._known:
                raise
            return
        self._known[tenant] = (now, {one.staff_id: one for one in answer.staff})

    def name(self, tenant: str, staff_id: str) -> str:
        """See the port."""
        found = self._staff(tenant).get(staff_id)
        return found.display_name if found else ""

    def at_desk(self, tenant: str, desk_id: str) -> Sequence[Officer]:
        """See the port."""
        return [
            Officer(one.staff_id, one.display_name)
            for one in self._staff(tenant).values()
            if desk_id in one.desk_ids and not MAY_ACT.isdisjoint(one.roles)
        ]

    def _staff(self, tenant: str) -> dict[str, Staff]:
        return self._known.get(tenant, (0.0, {}))[1]
