"""A delivery from request to the truth about it, whatever fails on the way."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import People
from machi_sdk.deliveries import Accepted, Attempt, DeliveryLoop, DeliveryRows, NotTaken, Outcome, SendDelivery
from machi_sdk.deliveries.accounts import Accounts
from machi_sdk.deliveries.rows import Open
from machi_sdk.deliveries.standing import End, Standing, pause, settled
from machi_sdk.errors import Conflict, Denied, Invalid, MachiError, Missing, Unavailable

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TENANT = "fukuoka"


@pytest.mark.parametrize(
    ("standing", "end"),
    [
        (Standing(2, 1, LATER, None), None),
        (Standing(2, 2, LATER, None), None),
        (Standing(1, 2, LATER, None), (End.SUPERSEDED, "newer-version-sent")),
        (Standing(1, 2, LATER, NOW), (End.UNKNOWN, "not-confirmed")),
        (Standing(1, 0, NOW, None), (End.EXPIRED, "send-before")),
        (Standing(1, 0, NOW, NOW - timedelta(minutes=5)), (End.UNKNOWN, "not-confirmed")),
        (Standing(1, 0, LATER, NOW - timedelta(hours=23)), (End.UNKNOWN, "retry-key-too-old")),
        (Standing(1, 0, LATER, NOW - timedelta(hours=22)), None),
    ],
)
def test_a_delivery_that_needs_no_attempt_ends(standing: Standing, end: tuple[End, str] | None) -> None:
    assert settled(standing, NOW) == end


def test_pauses_grow_and_stay_bounded() -> None:
    pauses = [pause(tries) for tries in range(20)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(seconds=60)


def asking() -> Open:
    request = DeliveryRequested(delivery_id="d-1", citizen_id="c-1", focus_pod="reports", focus_session_id="s-1")
    request.send_before.FromDatetime(LATER)
    return Open(TENANT, request, 0, "", None, 0, {})


@dataclass
class OneRow:
    """`DeliveryRows` in memory, with one delivery that asks something; what is put off is due at once."""

    channel: str = "line"
    delivery: Open = field(default_factory=asking)
    reasons: list[str] = field(default_factory=list)
    end: tuple[End, str] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    leased: bool = False

    async def claim(self, tenant: str, count: int) -> list[Open]:
        if self.leased or self.end:
            return []
        self.leased = True
        self.delivery = replace(self.delivery, tries=self.delivery.tries + 1)
        return [self.delivery]

    async def posting(self, delivery: Open, now: datetime) -> None:
        self.delivery = replace(self.delivery, first_post_at=self.delivery.first_post_at or now)

    async def not_posted(self, delivery: Open) -> None:
        self.delivery = replace(self.delivery, first_post_at=None)

    async def put_off(self, delivery: Open, pause: timedelta, reason: str) -> None:
        self.reasons.append(reason)
        self.delivery = replace(self.delivery, reason=reason)
        self.leased = False

    async def conclude(self, delivery: Open, end: End, reason: str) -> None:
        self.end = (end, reason)
        self.ended.set()


@dataclass
class Script:
    """Fails as told, one failure a time, then no more."""

    failures: list[Exception] = field(default_factory=list)
    asked: int = 0

    def next(self) -> None:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Town:
    """`machi_sdk.conversation.People` and the platform beside it."""

    releases: Script = field(default_factory=Script)
    focuses: Script = field(default_factory=Script)
    posts: Script = field(default_factory=Script)
    verdict: "identity.ReleaseVerdict.ValueType" = identity.RELEASE_VERDICT_RELEASED
    outcome: Outcome = field(default_factory=Accepted)

    async def under_consent(self, *_: str) -> identity.ReleaseAddressResponse:
        self.releases.next()
        return identity.ReleaseAddressResponse(verdict=self.verdict, address="U1")

    async def focus(self, _tenant: str, request: identity.SetFocusRequest) -> None:
        assert (request.pod, request.session_id) == ("reports", "s-1")
        self.focuses.next()

    async def deliver(self, attempt: Attempt) -> Outcome:
        assert attempt.address == "U1"
        self.posts.next()
        return self.outcome


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def rows() -> OneRow:
    return OneRow()


@pytest.fixture
def sender(town: Town, rows: OneRow, clock: ManualClock) -> SendDelivery:
    return SendDelivery({TENANT: town}, cast("People", town), cast("DeliveryRows", rows), clock)


async def attempted(rows: OneRow, sender: SendDelivery) -> None:
    [delivery] = await rows.claim(TENANT, 1)
    await sender.attempt(delivery)


async def run_to_its_end(rows: OneRow, sender: SendDelivery) -> tuple[End, str] | None:
    running = asyncio.create_task(DeliveryLoop(cast("DeliveryRows", rows), sender, [TENANT]).run())
    try:
        await asyncio.wait_for(rows.ended.wait(), 10)
    finally:
        running.cancel()
        await asyncio.wait([running])
    return rows.end


@pytest.mark.parametrize("error", [Missing("citizen-unknown"), Denied("x"), Invalid("x"), Conflict("focus-moved")])
async def test_a_message_that_arrived_is_accepted_whatever_becomes_of_the_focus(
    error: MachiError, town: Town, rows: OneRow, sender: SendDelivery
) -> None:
    town.focuses.failures = [error]
    await attempted(rows, sender)
    assert (rows.end, rows.reasons) == ((End.ACCEPTED, ""), [])


async def test_a_focus_is_tried_again_without_sending_again(town: Town, rows: OneRow, sender: SendDelivery) -> None:
    town.focuses.failures = [Unavailable("peer-down")]
    town.posts.failures = [Unavailable("line-not-reached")]
    assert await run_to_its_end(rows, sender) == (End.ACCEPTED, "")
    assert rows.reasons == ["line-not-reached", "focus-not-set"]
    assert (town.posts.asked, town.focuses.asked) == (2, 2)


@pytest.mark.parametrize("how", ["too-late", "withdrawn", "citizen-gone", "identity-away", "broken"])
async def test_that_it_arrived_is_known_to_the_end(
    how: str, town: Town, rows: OneRow, sender: SendDelivery, clock: ManualClock
) -> None:
    town.focuses.failures = [Unavailable("peer-down")]
    await attempted(rows, sender)
    assert rows.end is None
    match how:
        case "too-late":
            clock.advance(timedelta(hours=2))
        case "withdrawn":
            town.verdict = identity.RELEASE_VERDICT_NO_CONSENT
        case "citizen-gone":
            town.releases.failures = [Missing("citizen-unknown")]
        case "identity-away":
            town.releases.failures = [Unavailable("peer-down")] * 3
        case "broken":
            town.releases.failures = [ValueError("a person's words")] * 20
    assert await run_to_its_end(rows, sender) == (End.ACCEPTED, "")
    assert set(rows.reasons) == {"focus-not-set"}
    assert town.posts.asked == 1


@pytest.mark.parametrize(
    ("where", "end"), [("releases", (End.FAILED, "unforeseen")), ("posts", (End.UNKNOWN, "not-confirmed"))]
)
async def test_what_nobody_foresaw_is_told_and_given_up_after_a_while(
    where: str, end: tuple[End, str], town: Town, rows: OneRow, sender: SendDelivery
) -> None:
    script: Script = getattr(town, where)
    script.failures = [ValueError("a person's words")] * 20
    assert await run_to_its_end(rows, sender) == end
    assert rows.reasons == ["unforeseen"] * 7
    assert script.asked == 8


async def test_one_surprise_ends_nothing(town: Town, rows: OneRow, sender: SendDelivery) -> None:
    town.posts.failures = [ValueError("a person's words")]
    assert await run_to_its_end(rows, sender) == (End.ACCEPTED, "")
    assert rows.reasons == ["unforeseen"]


SPENT = NotTaken("monthly-limit", whole_account=True)


async def test_an_account_that_takes_nothing_is_asked_by_one_at_a_time_and_less_often(
    town: Town, rows: OneRow, sender: SendDelivery, clock: ManualClock
) -> None:
    town.outcome = SPENT
    asked = []
    for seconds in (0, 0, 14, 2, 0, 14, 14, 3, 59, 2, 119, 2, 119, 2):
        clock.advance(timedelta(seconds=seconds))
        await attempted(rows, sender)
        asked.append(town.posts.asked)
    assert asked == [1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    assert town.releases.asked == 6, "identity is asked for what is sent alone"
    assert set(rows.reasons) == {"monthly-limit"}
    town.outcome = Accepted()
    await attempted(rows, sender)
    assert rows.end is None
    clock.advance(timedelta(minutes=2))
    await attempted(rows, sender)
    assert rows.end == (End.ACCEPTED, "")


async def test_all_go_on_when_one_was_taken(town: Town, rows: OneRow, sender: SendDelivery, clock: ManualClock) -> None:
    town.outcome = SPENT
    await attempted(rows, sender)
    waiting = rows.delivery
    town.outcome = Accepted()
    clock.advance(timedelta(seconds=16))
    for _ in range(3):
        await sender.attempt(waiting)
    assert (town.posts.asked, rows.reasons) == (4, ["monthly-limit"])


async def test_what_waits_for_an_account_ends_when_it_would_have_ended(
    town: Town, rows: OneRow, sender: SendDelivery, clock: ManualClock
) -> None:
    rows.delivery.request.send_before.FromDatetime(NOW + timedelta(seconds=10))
    town.outcome = SPENT
    await attempted(rows, sender)
    clock.advance(timedelta(seconds=11))
    await attempted(rows, sender)
    assert rows.end == (End.EXPIRED, "send-before")


async def test_what_says_nothing_of_the_account_lets_the_others_go_on(
    town: Town, rows: OneRow, sender: SendDelivery
) -> None:
    town.outcome = NotTaken("platform-429")
    for _ in range(3):
        await attempted(rows, sender)
    assert town.posts.asked == 3


def test_another_tenants_account_does_not_rest() -> None:
    accounts = Accounts()
    accounts.closed("sapporo", "monthly-limit", NOW)
    with pytest.raises(Unavailable, match="monthly-limit"):
        accounts.enter("sapporo", NOW)
    accounts.enter(TENANT, NOW)


def test_many_that_were_under_way_lengthen_no_rest() -> None:
    accounts = Accounts()
    for _ in range(32):
        accounts.closed(TENANT, "monthly-limit", NOW)
    accounts.enter(TENANT, NOW + timedelta(seconds=15))
