"""One attempt to bring a message to a person; consent is asked at every attempt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.clock import Clock
from machi_sdk.conversation import People
from machi_sdk.deliveries.accounts import Accounts
from machi_sdk.deliveries.outcomes import Accepted, NotTaken, Outcome, Refused, Unclear
from machi_sdk.deliveries.rows import NOT_FOCUSED, DeliveryRows, Open
from machi_sdk.deliveries.standing import End, Standing, pause, settled
from machi_sdk.errors import Conflict, Denied, Invalid, MachiError, Missing, Unavailable
from machi_sdk.telemetry import get_logger

ARRIVED = (End.ACCEPTED, "")
VERDICTS = {
    identity.RELEASE_VERDICT_NO_CONSENT: (End.REFUSED, "no-consent"),
    identity.RELEASE_VERDICT_UNREACHABLE: (End.FAILED, "blocked"),
}

# A quarter of an hour: until then a newer replica may have the channel, whose file came after this one had started.
_TRIES_ELSEWHERE = 20

log = get_logger()


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
    accounts: Accounts = field(init=False, default_factory=Accounts)

    async def attempt(self, delivery: Open) -> None:
        """Bring it to its end, or put it off."""
        try:
            end, reason = await self._end(delivery)
        except Unavailable as error:
            await self.put_off(delivery, error.slug)
        except (Missing, Denied, Invalid, Conflict) as error:
            await self.give_up(delivery, error.slug)
        else:
            await self.deliveries.conclude(delivery, end, reason)

    async def put_off(self, delivery: Open, reason: str) -> None:
        """Try again later; that it has arrived is not forgotten."""
        why = NOT_FOCUSED if delivery.arrived else reason
        await self.deliveries.put_off(delivery, pause(delivery.tries), why)

    async def give_up(self, delivery: Open, reason: str) -> None:
        """End what cannot be attempted any more."""
        end = ARRIVED if delivery.arrived else _unless_posted(delivery, End.FAILED, reason)
        await self.deliveries.conclude(delivery, *end)

    async def _end(self, delivery: Open) -> tuple[End, str]:
        """The end it has come to, after one attempt where it takes one; Unavailable when there is none yet."""
        send_before = delivery.request.send_before.ToDatetime(tzinfo=UTC)
        standing = Standing(delivery.request.version, delivery.newest_sent, send_before, delivery.first_post_at)
        over = settled(standing, self.clock.now())
        if not delivery.arrived:
            return over or await self._send(delivery)
        if over is None:
            await self._focus(delivery)
        return ARRIVED

    async def _send(self, delivery: Open) -> tuple[End, str]:
        outlet = self.outlets.get(delivery.tenant)
        if outlet is None:
            if delivery.tries < _TRIES_ELSEWHERE:
                raise Unavailable("channel-not-here")
            return _unless_posted(delivery, End.FAILED, "no-channel")
        self.accounts.enter(delivery.tenant, self.clock.now())
        request = delivery.request
        released = await self._released(delivery)
        if released.verdict != identity.RELEASE_VERDICT_RELEASED:
            return _unless_posted(delivery, *VERDICTS.get(released.verdict, (End.FAILED, "not-released")))
        await self.deliveries.posting(delivery, self.clock.now())
        outcome = await outlet.deliver(Attempt(delivery.tenant, released.address, request, delivery.first_post_at))
        return await self._judged(delivery, released, outcome)

    async def _released(self, delivery: Open) -> identity.ReleaseAddressResponse:
        """The person's address, if consent allows it now, and the dialogue they are in."""
        request = delivery.request
        return await self.people.under_consent(
            delivery.tenant, request.citizen_id, request.purpose, request.delivery_id
        )

    async def _judged(
        self, delivery: Open, released: identity.ReleaseAddressResponse, outcome: Outcome
    ) -> tuple[End, str]:
        match outcome:
            case Accepted():
                self.accounts.opened(delivery.tenant)
                await self._focus(delivery, released)
                return ARRIVED
            case NotTaken(reason, whole_account=whole):
                if whole:
                    self.accounts.closed(delivery.tenant, reason, self.clock.now())
                if delivery.first_post_at is None:
                    await self.deliveries.not_posted(delivery)
                raise Unavailable(reason)
            case Unclear(reason):
                raise Unavailable(reason)
            case Refused(reason):
                return _unless_posted(delivery, End.FAILED, reason)

    async def _focus(self, delivery: Open, released: identity.ReleaseAddressResponse | None = None) -> None:
        """Let the person's next words go to the dialogue that asked, unless they are in one already.

        The message is there whatever becomes of this; only Unavailable is worth another try.
        """
        if not delivery.request.focus_pod:
            return
        try:
            present = (await self._released(delivery) if released is None else released).focus
            if not present.pod:
                await self.people.focus(delivery.tenant, _wanted(delivery.request, present.version))
        except Unavailable as error:
            raise Unavailable(NOT_FOCUSED) from error
        except MachiError as error:
            log.warning("focus not set", delivery_id=delivery.request.delivery_id, reason=error.slug)


def _wanted(request: DeliveryRequested, version: int) -> identity.SetFocusRequest:
    return identity.SetFocusRequest(
        citizen_id=request.citizen_id,
        expected_version=version,
        pod=request.focus_pod,
        session_id=request.focus_session_id,
    )


def _unless_posted(delivery: Open, end: End, reason: str) -> tuple[End, str]:
    """The end of what cannot be attempted any more; after an attempt of unclear outcome the person may have it."""
    return (End.UNKNOWN, "not-confirmed") if delivery.first_post_at else (end, reason)
