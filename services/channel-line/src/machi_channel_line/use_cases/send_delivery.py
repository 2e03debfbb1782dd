"""One attempt to bring a message to a person; consent is asked at every attempt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from machi.dialogue.v1 import messages_pb2 as neutral
from machi.identity.v1 import identity_service_pb2 as identity
from machi_channel_line.domain.delivery import End, Standing, pause, settled
from machi_channel_line.domain.sending import Accepted, NotTaken, Outcome, Refused, TokenSpent, Unclear
from machi_channel_line.ports import Body, Deliveries, Line, Open, People, Pushing
from machi_sdk.clock import Clock
from machi_sdk.errors import Conflict, Denied, Invalid, Missing, Unavailable
from machi_sdk.ids import derived_id

Render = Callable[[Sequence[neutral.Message]], Sequence[Body]]
VERDICTS = {
    identity.RELEASE_VERDICT_NO_CONSENT: (End.REFUSED, "no-consent"),
    identity.RELEASE_VERDICT_UNREACHABLE: (End.FAILED, "blocked"),
}


@dataclass(frozen=True)
class SendDelivery:
    """Attempts deliveries one by one."""

    lines: Mapping[str, Line]
    people: People
    deliveries: Deliveries
    render: Render
    clock: Clock

    async def attempt(self, delivery: Open) -> None:
        """Bring it to its end, or put it off."""
        now = self.clock.now()
        send_before = delivery.request.send_before.ToDatetime(tzinfo=UTC)
        standing = Standing(delivery.request.version, delivery.newest_sent, send_before, delivery.first_post_at)
        over = settled(standing, now)
        try:
            end, reason = over or await self._send(delivery)
        except Unavailable as error:
            await self.deliveries.put_off(delivery, now + pause(delivery.tries), error.slug)
        except (Missing, Denied, Invalid, Conflict) as error:
            await self.deliveries.conclude(delivery, End.FAILED, error.slug)
        else:
            await self.deliveries.conclude(delivery, end, reason)

    async def _send(self, delivery: Open) -> tuple[End, str]:
        line = self.lines.get(delivery.tenant)
        messages = self.render(delivery.request.messages)
        if line is None or not messages:
            return End.FAILED, "no-line-channel" if line is None else "nothing-to-say"
        released = await self._release(delivery)
        if released.verdict != identity.RELEASE_VERDICT_RELEASED:
            return VERDICTS.get(released.verdict, (End.FAILED, "not-released"))
        await self.deliveries.posting(delivery, self.clock.now())
        key = derived_id("line-delivery", delivery.tenant, delivery.request.delivery_id)
        outcome = await line.push(Pushing(released.address, messages, key, delivery.request.quiet))
        return await self._judged(delivery, released.focus, outcome)

    async def _judged(self, delivery: Open, focus: identity.Focus, outcome: Outcome) -> tuple[End, str]:
        match outcome:
            case Accepted():
                await self._focus(delivery, focus)
                return End.ACCEPTED, ""
            case NotTaken(reason) | Unclear(reason):
                raise Unavailable(reason)
            case Refused(reason):
                return End.FAILED, reason
            case TokenSpent():
                return End.FAILED, "platform-400"

    async def _release(self, delivery: Open) -> identity.ReleaseAddressResponse:
        request = identity.ReleaseAddressRequest(
            citizen_id=delivery.request.citizen_id,
            channel="line",
            basis=identity.RELEASE_BASIS_CONSENT,
            purpose=delivery.request.purpose,
            reference_id=delivery.request.delivery_id,
        )
        return await self.people.release(delivery.tenant, request)

    async def _focus(self, delivery: Open, focus: identity.Focus) -> None:
        """Let the person's next words go to the dialogue that asked, unless they are in one already."""
        wanted = delivery.request
        if not wanted.focus_pod or focus.pod:
            return
        request = identity.SetFocusRequest(
            citizen_id=wanted.citizen_id,
            expected_version=focus.version,
            pod=wanted.focus_pod,
            session_id=wanted.focus_session_id,
        )
        try:
            await self.people.focus(delivery.tenant, request)
        except Conflict:
            return
