"""Every request of Slack passes here first: size, signature, workspace."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_slack.domain.signature import signed
from machi_sdk.clock import Clock
from machi_sdk.http import bounded_body
from machi_sdk.inbound import Entrance
from machi_sdk.settings import SlackSettings
from machi_sdk.telemetry import counter

MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Admitted:
    """A tenant's workspace, from which a request comes."""

    tenant: str
    team: str


@dataclass(frozen=True)
class Signed:
    """A request that Slack signed for one of our apps, and the workspaces that use this app."""

    body: bytes
    workspaces: Sequence[Admitted]

    def of(self, *teams: str) -> Admitted | None:
        """The first of the workspaces that the body names which uses this app; None when none does."""
        using = {each.team: each for each in self.workspaces}
        return next((using[team] for team in teams if team in using), None)


class Door:
    """Knows the workspaces' secrets; what it admits goes on through `entrance`."""

    def __init__(
        self,
        workspaces: Mapping[str, SlackSettings],
        entrance: Entrance,
        clock: Clock,
        troubles: Callable[[], Mapping[str, str]],
    ) -> None:
        self._workspaces = workspaces
        self.entrance = entrance
        self.clock = clock
        self.troubles = troubles

    async def admit(self, request: Request) -> Signed | Response:
        """413 too long · 401 not signed by one of our workspaces."""
        body = await bounded_body(request, MOST_BYTES)
        if body is None:
            return answer(413, "too-large")
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        now = self.clock.now().timestamp()
        workspaces = [
            Admitted(tenant, workspace.team_id)
            for tenant, workspace in self._workspaces.items()
            if signed(workspace.signing_secret.get_secret_value(), body, timestamp, signature, now)
        ]
        if workspaces:
            return Signed(body, workspaces)
        return answer(401, "bad-signature" if timestamp and signature else "unsigned")

    async def keep(self, events: Sequence[InboundEvent], admitted: Admitted) -> Response:
        """Keep the events, then 200; Unavailable when one could not be kept, so that Slack delivers all again."""
        for event in events:
            await self.entrance.store(event, admitted.tenant)
        return answer(200, "accepted")


def answer(status: int, outcome: str) -> Response:
    """A counted answer without a body: a form closes on nothing else.

    https://docs.slack.dev/surfaces/modals (as of November 2026)
    """
    counter("machi_webhooks_total").labels("slack", outcome).inc()
    return Response(status_code=status, media_type="text/plain")
