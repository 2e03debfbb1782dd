"""A workspace gets forty changes a minute at most; what an officer waits for goes first, new messages pass."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from slack_stand_ins import NoPace, QuietSlack, VersionedPod, a_hall, anything_due

from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_channel_slack.adapters.calls import Calls
from machi_channel_slack.adapters.cards import PostgresCards, announce
from machi_channel_slack.adapters.pace import KEPT_FREE, MOST_A_MINUTE, ChannelPace, WorkspacePace, WorkspaceTurns
from machi_channel_slack.domain.cards import Announced, CardKey, CardState, Lane, SlackMessage
from machi_channel_slack.entrypoints.jobs import show_or_put_off
from machi_channel_slack.entrypoints.poster import Poster
from machi_channel_slack.ports import Look, Rank, SlackLimited
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.testing import PodDatabase, wait_until
from machi_sdk.work import Work, Works

DESK, TENANT = "lighting", "fukuoka"
MINUTE = timedelta(seconds=60)


def most_in_a_minute(moments: list[datetime]) -> int:
    return max(sum(begin <= each < begin + MINUTE for each in moments) for begin in moments)


def paced(works: Works[Work], clock: ManualClock) -> WorkspacePace:
    async def sleep(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    return WorkspacePace(NoPace(), WorkspaceTurns(works, TENANT), clock, sleep)


@pytest.mark.integration
async def test_three_hundred_changes_keep_the_pace_and_end_with_the_newest(
    works: Works[Work], clock: ManualClock
) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = a_hall(works, clock, slack, pod, paced(works, clock))
    for version in range(1, 11):
        for number in range(30):
            pod.versions[f"card-{number}"] = version
            async with works.begin(TENANT) as work:
                key = CardKey(TENANT, f"card-{number}", DESK)
                await announce(work, key, Announced("lamps", version, urgent=False), {})
            job = await anything_due(TENANT, DESK, hall)
            assert job is not None
            await show_or_put_off(job, clock)
    while job := await anything_due(TENANT, DESK, hall):
        await show_or_put_off(job, clock)
    assert len(slack.changed) > MOST_A_MINUTE
    assert most_in_a_minute(slack.changed) <= MOST_A_MINUTE
    newest: dict[str, str] = defaultdict(str, slack.shown)
    assert len(newest) == 30
    assert {text.rpartition(" ")[2] for text in newest.values()} == {"v10"}


@pytest.mark.integration
async def test_the_background_leaves_room_for_what_an_officer_waits_for(works: Works[Work], clock: ManualClock) -> None:
    pace, began = paced(works, clock), clock.now()
    for _ in range(MOST_A_MINUTE - KEPT_FREE):
        await pace.change(Rank.CARD)
    assert clock.now() == began
    for _ in range(KEPT_FREE - 1):
        await pace.change(Rank.AWAITED)
    assert clock.now() == began
    await pace.change(Rank.CARD)
    assert clock.now() > began + MINUTE, "the last one is not the background's"


@pytest.mark.integration
async def test_what_an_officer_waits_for_goes_before_cards_and_cards_before_lists(
    works: Works[Work], clock: ManualClock
) -> None:
    pace, changed = paced(works, clock), list[Rank]()

    async def change(rank: Rank) -> None:
        await pace.change(rank)
        changed.append(rank)

    for _ in range(MOST_A_MINUTE):
        await change(Rank.AWAITED)
    waiting = [asyncio.create_task(change(rank)) for rank in (*reversed(Rank), *reversed(Rank))]
    await asyncio.gather(*waiting)
    assert changed[MOST_A_MINUTE:] == [rank for rank in Rank for _ in range(2)]


@pytest.mark.integration
async def test_a_pod_that_starts_anew_knows_what_was_used(works: Works[Work], clock: ManualClock) -> None:
    began = clock.now()
    for _ in range(3):  # three processes, one after the other
        pace = paced(works, clock)
        for _ in range(20):
            await pace.change(Rank.CARD)
    assert clock.now() > began + MINUTE


@pytest.mark.integration
async def test_a_new_message_is_not_held_up_by_changes(works: Works[Work], clock: ManualClock) -> None:
    pace, began = paced(works, clock), clock.now()
    for _ in range(MOST_A_MINUTE):
        await pace.change(Rank.AWAITED)
    for _ in range(100):
        await pace.turn("C1")
    assert clock.now() == began


class NoMoreChanges(NoPace):
    """The workspace's minute is used up and does not end."""

    async def change(self, rank: Rank, anew: Look | None = None) -> None:
        await asyncio.Event().wait()


def has_posted(slack: QuietSlack, count: int) -> bool:
    return len(slack.posted) >= count


@asynccontextmanager
async def posting(database: PodDatabase, hall: Hall) -> AsyncIterator[None]:
    pool = Database(database.url)
    poster = asyncio.create_task(Poster(pool, {TENANT: hall}).run())
    try:
        yield
    finally:
        poster.cancel()
        await asyncio.gather(poster, return_exceptions=True)
        await pool.close()


def card_key(number: int) -> CardKey:
    return CardKey(TENANT, f"card-{number}", DESK)


async def announced(works: Works[Work], pod: VersionedPod, number: int, version: int, *, urgent: bool = False) -> None:
    pod.versions[f"card-{number}"] = version
    async with works.begin(TENANT) as work:
        await announce(work, card_key(number), Announced("lamps", version, urgent), {})


@pytest.mark.parametrize("urgent", [False, True])
@pytest.mark.integration
async def test_new_cards_are_shown_while_changes_wait(
    works: Works[Work], clock: ManualClock, database: PodDatabase, urgent: bool
) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = a_hall(works, clock, slack, pod, NoMoreChanges())
    async with posting(database, hall):
        for number, version, posts in ((1, 1, 1), (1, 2, 1), (2, 1, 2), (3, 1, 3)):
            await announced(works, pod, number, version, urgent=urgent)
            await wait_until(partial(has_posted, slack, posts))
    assert len(slack.posted) == 3
    assert not slack.changed


class SlowSlack(QuietSlack):
    """Says that it has taken a post once it is let go."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def post(self, channel: str, message: SlackMessage, thread_ts: str = "") -> str:
        self.asked.set()
        await self.let_go.wait()
        return await super().post(channel, message, thread_ts)


@pytest.mark.integration
async def test_a_pod_that_is_stopped_ends_the_card_it_is_at_and_begins_no_other(
    works: Works[Work], clock: ManualClock, database: PodDatabase
) -> None:
    slack, pod = SlowSlack(clock), VersionedPod()
    for number in (1, 2):
        await announced(works, pod, number, 1)
    pool = Database(database.url)
    poster = Poster(pool, {TENANT: a_hall(works, clock, slack, pod, NoPace())})
    running = asyncio.create_task(poster.run())
    await slack.asked.wait()
    poster.stop()
    slack.let_go.set()
    await asyncio.wait_for(running, 60)
    await pool.close()
    async with works.begin(TENANT) as work:
        ends = await work.db.fetch("SELECT ts <> '' AS shown FROM cards ORDER BY card_id")
    assert (len(slack.posted), [row["shown"] for row in ends]) == (1, [True, False])


class LateLook(PostgresCards):
    """A look at a desk's new cards that finds none tells so late."""

    def __init__(self, works: Works[Work]) -> None:
        super().__init__(works)
        self.found_none, self.looked, self.let_go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def due(self, tenant: str, now: datetime) -> Sequence[tuple[str, Lane]]:
        due = await super().due(tenant, now)
        if self.found_none.is_set():
            self.looked.set()
        return due

    async def next_new(
        self, tenant: str, desk_id: str, now: datetime, busy: Collection[str], *, in_flood: bool
    ) -> CardState | None:
        found = await super().next_new(tenant, desk_id, now, busy, in_flood=in_flood)
        if found is None:
            self.found_none.set()
            await self.let_go.wait()
        return found


@pytest.mark.integration
async def test_a_card_that_comes_while_the_worker_of_its_desk_ends_waits_for_no_later_look(
    works: Works[Work], clock: ManualClock, database: PodDatabase
) -> None:
    slack, pod, cards = QuietSlack(clock), VersionedPod(), LateLook(works)
    hall = replace(a_hall(works, clock, slack, pod, NoPace()), cards=cards)
    await announced(works, pod, 1, 1)
    pool = Database(database.url)
    poster = Poster(pool, {TENANT: hall}, look_seconds=3600)
    running = asyncio.create_task(poster.run())
    await cards.found_none.wait()
    await announced(works, pod, 2, 1)
    poster.wake()
    await cards.looked.wait()
    cards.let_go.set()
    await wait_until(partial(has_posted, slack, 2))
    poster.stop()
    await running
    await pool.close()


class WatchedPace(WorkspacePace):
    """Says which change waits."""

    waits = 0

    async def change(self, rank: Rank, anew: Look | None = None) -> None:
        self.waits += 1
        await super().change(rank, anew)


@pytest.mark.integration
async def test_what_is_pressed_while_it_waits_goes_first(
    works: Works[Work], clock: ManualClock, database: PodDatabase
) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    pace = WatchedPace(NoPace(), WorkspaceTurns(works, TENANT), clock)
    hall = a_hall(works, clock, slack, pod, pace)
    async with posting(database, hall):
        for number in (1, 2, 3):
            await announced(works, pod, number, 1)
        await wait_until(partial(has_posted, slack, 3))
        for _ in range(MOST_A_MINUTE - KEPT_FREE):  # the minute does not end: the background gets no more turns
            await pace.change(Rank.CARD)
        waits = pace.waits
        await announced(works, pod, 1, 2)
        await wait_until(lambda: pace.waits > waits)
        clock.advance(timedelta(seconds=5))
        for number in (2, 3):
            await announced(works, pod, number, 2)
        for number in (1, 2):
            await hall.cards.hurry(card_key(number))
        await wait_until(lambda: len(slack.changed) == 2)
    assert sorted(slack.shown.values()) == ["card-1 · v2", "card-2 · v2", "card-3 · v1"]


class HungPod(VersionedPod):
    """Does not say what has become of its first card."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def card(self, state: CardState, language: str) -> DeskCard:
        if state.key == card_key(1) and self.versions["card-1"] > 1:
            self.asked.set()
            await asyncio.Event().wait()
        return await super().card(state, language)


@pytest.mark.integration
async def test_a_pressed_card_that_is_being_done_holds_up_no_other(
    works: Works[Work], clock: ManualClock, database: PodDatabase
) -> None:
    slack, pod = QuietSlack(clock), HungPod()
    hall = a_hall(works, clock, slack, pod, NoPace())
    async with posting(database, hall):
        for number in (1, 2):
            await announced(works, pod, number, 1)
        await wait_until(partial(has_posted, slack, 2))
        await announced(works, pod, 1, 2)
        await pod.asked.wait()
        clock.advance(timedelta(seconds=5))
        await hall.cards.hurry(card_key(1))
        await announced(works, pod, 2, 2, urgent=True)
        await wait_until(lambda: len(slack.changed) == 1)
    assert sorted(slack.shown.values()) == ["card-1 · v1", "card-2 · v2"]


async def test_one_channel_gets_one_message_a_second() -> None:
    pace = ChannelPace()
    await pace.turn("C1")
    await pace.turn("C2")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pace.turn("C1")


async def test_a_method_that_slack_limited_rests_for_everybody() -> None:
    async def never() -> object:
        raise AssertionError("asked while it rests")

    calls = Calls()
    calls.rest("chat.update", 30)
    with pytest.raises(SlackLimited) as limited:
        await calls.ended("chat.update", never())  # type: ignore[arg-type]
    assert 29 < limited.value.after <= 30
