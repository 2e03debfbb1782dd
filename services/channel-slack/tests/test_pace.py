"""A workspace gets forty changes a minute at most; what an officer waits for goes first, new messages pass."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial

import pytest
from slack_stand_ins import NoPace, QuietSlack, VersionedPod, a_hall, anything_due

from machi_channel_slack.adapters.board import announce
from machi_channel_slack.adapters.calls import Calls
from machi_channel_slack.adapters.pace import KEPT_FREE, MOST_A_MINUTE, ChannelPace, WorkspacePace, WorkspaceTurns
from machi_channel_slack.domain.cards import Announced, CardKey
from machi_channel_slack.entrypoints.jobs import show_or_put_off
from machi_channel_slack.entrypoints.poster import Poster
from machi_channel_slack.ports import Rank, SlackLimited
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

    async def change(self, rank: Rank) -> None:
        await asyncio.Event().wait()


def has_posted(slack: QuietSlack, count: int) -> bool:
    return len(slack.posted) >= count


@pytest.mark.parametrize("urgent", [False, True])
@pytest.mark.integration
async def test_new_cards_are_shown_while_changes_wait(
    works: Works[Work], clock: ManualClock, database: PodDatabase, urgent: bool
) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = a_hall(works, clock, slack, pod, NoMoreChanges())
    pool = Database(database.url)
    poster = asyncio.create_task(Poster(pool, {TENANT: hall}).run())
    try:
        for number, version, posts in ((1, 1, 1), (1, 2, 1), (2, 1, 2), (3, 1, 3)):
            pod.versions[f"card-{number}"] = version
            async with works.begin(TENANT) as work:
                key = CardKey(TENANT, f"card-{number}", DESK)
                await announce(work, key, Announced("lamps", version, urgent), {})
            await wait_until(partial(has_posted, slack, posts))
    finally:
        poster.cancel()
        await asyncio.gather(poster, return_exceptions=True)
        await pool.close()
    assert len(slack.posted) == 3
    assert not slack.changed


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
