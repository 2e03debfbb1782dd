"""One attempt to bring a message to a person; consent is asked at every attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.clock import Clock
from machi_sdk.conversation import People
from machi_sdk.deliveries.outcomes import Accepted, NotTaken, Outcome, Refused, Unclear
from machi_sdk.deliveries.rows import DeliveryRows, Open
from machi_sdk.deliveries.standing import End, Standing, pause, settled
from machi_sdk.errors import Conflict, Denied, Invalid, Missing, Unavailable

VERDICTS = {
    identity.RELEASE_VERDICT_NO_CONSENT: (End.REFUSED, "no-consent"),
    identity.RELEASE_VERDICT_UNREACHABLE: (End.FAILED, "blocked"),
}


@dataclass(frozen=True)
class Attempt:
    """One message for one address, right now; `first_at` is when the first attempt was made, None when this is it."""

    tenant: str
    address: str
    request: DeliveryRequested
    first_at: datetime | None


class Outlet(Protocol):
    """A platform's way to a person, for one tenant."""

    async def deliver(self, attempt: Attempt) -> Outcome:
        """Bring it to the person; a repeated attempt never reaches them twice."""
        ...


@dataclass(frozen=True)
class SendDelivery:
    """Attempts deliveries one by one."""

    outlets: Mapping[str, Outlet]
    people: People
    deliveries: DeliveryRows
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
            await self.deliveries.conclude(delivery, *_unless_posted(delivery, End.FAILED, error.slug))
        else:
            await self.deliveries.conclude(delivery, end, reason)

    async def _send(self, delivery: Open) -> tuple[End, str]:
        outlet = self.outlets.get(delivery.tenant)
        if outlet is None:
            return End.FAILED, "no-channel"
        request = delivery.request
        released = await self.people.under_consent(
            delivery.tenant, request.citizen_id, request.purpose, request.delivery_id
        )
        if released.verdict != identity.RELEASE_VERDICT_RELEASED:
            return _unless_posted(delivery, *VERDICTS.get(released.verdict, (End.FAILED, "not-released")))
        await self.deliveries.posting(delivery, self.clock.now())
        outcome = await outlet.deliver(Attempt(delivery.tenant, released.address, request, delivery.first_post_at))
        return await self._judged(delivery, released.focus, outcome)

    async def _judged(self, delivery: Open, focus: identity.Focus, outcome: Outcome) -> tuple[End, str]:
        match outcome:
            case Accepted():
                await self._focus(delivery, focus)
                return End.ACCEPTED, ""
            case NotTaken(reason):
                if delivery.first_post_at is None:
                    await self.deliveries.not_posted(delivery)
                raise Unavailable(reason)
            case Unclear(reason):
                raise Unavailable(reason)
            case Refused(reason):
                return End.FAILED, reason

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


def _unless_posted(delivery: Open, end: End, reason: str) -> tuple[End, str]:
    """The end of what cannot be attempted any more; after an attempt of unclear outcome the person may have it."""
    return (End.UNKNOWN, "not-confirmed") if delivery.first_post_at else (end, reason)
