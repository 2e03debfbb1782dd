"""Many new cards at once: each is a card or a line of one list, none is lost, and every line can be opened."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from slack_city import DESK, OFFICER, STRANGER, SlackCity

from machi.desk.v1.events_pb2 import DeskSummedUp
from machi_channel_slack.adapters.cards import PostgresCards, announce
from machi_channel_slack.adapters.digests import PostgresDigests, list_old
from machi_channel_slack.domain.cards import Announced, CardKey, CardState
from machi_channel_slack.domain.digests import MOST_LINES, ROUND, FloodRule, LineText, Summary, Tide
from machi_channel_slack.rendering.digest import digest_message
from machi_channel_slack.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.ids import new_id
from machi_sdk.testing import publish
from machi_sdk.testing.kafka import Event
from machi_sdk.work import Work, Works
from machi_simulator.faults import Fault
from machi_simulator.slack.model import SlackMessage

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
POST = "/slack/api/chat.postMessage"
MANY = range(1, 31)


def numbers_in(message: SlackMessage) -> list[str]:
    return re.findall(r"MANY-\d{3}", json.dumps(list(message.blocks)))


def is_list(message: SlackMessage) -> bool:
    return bool(message.metadata) and message.metadata["event_type"] == "machi_digest"


async def named(city: SlackCity) -> tuple[list[str], list[str]]:
    """Numbers on cards of their own, and numbers in lists."""
    cards: list[str] = []
    listed: list[str] = []
    for message in await city.cards():
        (listed if is_list(message) else cards).extend(sorted(set(numbers_in(message))))
    return cards, listed


async def all_named(city: SlackCity, count: int) -> tuple[list[str], list[str]]:
    async def enough() -> bool:
        cards, listed = await named(city)
        return len({*cards, *listed}) >= count

    await city.simulator.until(enough, 40, f"{count} cases are named")
    return await named(city)


async def the_list(city: SlackCity, number: str) -> SlackMessage:
    return next(each for each in await city.cards() if is_list(each) and number in numbers_in(each))


def test_a_flood_is_more_than_a_dozen_within_a_minute_or_waiting() -> None:
    rule = FloodRule(cards=12)
    assert not Tide(waiting=12, oldest=NOW, arrived=12).is_flood(rule)
    assert Tide(waiting=13, oldest=NOW, arrived=0).is_flood(rule)
    assert Tide(waiting=1, oldest=NOW, arrived=13).is_flood(rule)


def test_a_list_is_made_when_it_is_full_or_somebody_has_waited_a_round() -> None:
    assert Tide(waiting=20, oldest=NOW, arrived=20).is_due(NOW)
    assert not Tide(waiting=19, oldest=NOW, arrived=20).is_due(NOW + ROUND - timedelta(seconds=1))
    assert Tide(waiting=1, oldest=NOW, arrived=20).is_due(NOW + ROUND)
    assert not Tide(waiting=0, oldest=None, arrived=20).is_due(NOW)


@pytest.mark.integration
async def test_many_cards_at_once_are_lines_of_lists_each_named_once(city: SlackCity) -> None:
    await city.flood(*MANY)
    cards, listed = await all_named(city, len(MANY))
    assert sorted([*cards, *listed]) == [f"MANY-{number:03}" for number in MANY]
    assert len(listed) > len(cards)
    lists = [each for each in await city.cards() if is_list(each)]
    assert all(len(numbers_in(each)) <= 20 for each in lists)
    newest = json.dumps(list((await the_list(city, "MANY-030")).blocks), ensure_ascii=False)
    assert "街灯  |  中央区 &lt;30&gt;" in newest
    assert await city.simulator.refused() == []


@pytest.mark.integration
async def test_a_pod_that_does_not_answer_holds_up_no_list(city: SlackCity) -> None:
    await city.announce_of("nobody", "silent-1")
    await city.flood(*MANY)
    cards, listed = await all_named(city, len(MANY))
    assert sorted([*cards, *listed]) == [f"MANY-{number:03}" for number in MANY]
    assert len(listed) > len(cards)


@pytest.mark.integration
async def test_an_urgent_card_never_waits_in_a_list(city: SlackCity) -> None:
    await city.flood(*MANY)
    await city.flood(99, urgent=True)
    cards, listed = await all_named(city, len(MANY) + 1)
    assert "MANY-099" in cards
    assert "MANY-099" not in listed


@pytest.mark.integration
async def test_a_pressed_line_becomes_a_card_and_the_line_a_link(city: SlackCity) -> None:
    await city.flood(*MANY)
    await all_named(city, len(MANY))
    found = await the_list(city, "MANY-030")
    slack, button = city.simulator.slack, "machi:open/many-30"
    assert (await slack.press(STRANGER, found, button)).ok
    assert "登録されていない" in (await city.told(STRANGER, 1))[0]
    assert "MANY-030" not in (await named(city))[0]
    assert (await slack.press(OFFICER, found, button)).ok

    async def linked() -> bool:
        line = next(block for block in (await the_list(city, "MANY-030")).blocks if "MANY-030" in json.dumps(block))
        return "accessory" not in line and "カードへ" in json.dumps(line, ensure_ascii=False)

    await city.simulator.until(
        linked, 180.0, "the line links its card"
    )  # forty changes a minute, and others' before it
    cards, listed = await named(city)
    assert cards.count("MANY-030") == 1
    assert listed.count("MANY-030") == 1
    assert city.lamps.turns == [], "no pod hears of it"


@pytest.mark.integration
async def test_who_acts_on_a_listed_case_finds_its_card(city: SlackCity) -> None:
    await city.flood(*MANY)
    await all_named(city, len(MANY))
    await city.flood(30, version=2)

    async def shown() -> bool:
        return "MANY-030" in (await named(city))[0]

    await city.simulator.until(shown, what="the newer version has a card")


@pytest.mark.integration
async def test_a_list_stands_there_once_after_doubt(city: SlackCity) -> None:
    await city.simulator.plan(Fault(path=POST, kind="accept_then_reset", count=2, skip=1))
    await city.flood(*MANY)
    cards, listed = await all_named(city, len(MANY))
    assert sorted([*cards, *listed]) == [f"MANY-{number:03}" for number in MANY]


@pytest.mark.integration
async def test_after_the_flood_the_rest_gets_its_cards_one_by_one(city: SlackCity) -> None:
    await city.flood(*MANY)
    cards, _ = await all_named(city, len(MANY))
    async with city.pod.works(Work).begin("fukuoka") as work:
        await work.db.execute("UPDATE cards SET announced_at = announced_at - interval '2 minutes'")
        due = await work.db.fetch("SELECT due_at FROM cards WHERE held ORDER BY due_at")
        gaps = {(later["due_at"] - each["due_at"]).total_seconds() for each, later in pairwise(due)}
        assert gaps == {30.0}
        await work.db.execute("UPDATE cards SET due_at = now() WHERE card_id IN ('many-29', 'many-30')")

    async def both() -> bool:
        return len((await named(city))[0]) == len(cards) + 2

    await city.simulator.until(both, what="two more have cards")


@pytest.mark.integration
async def test_a_morning_s_list_is_posted_once_and_links_its_cards(city: SlackCity) -> None:
    await city.flood(1, 2)
    await all_named(city, 2)
    summary = DeskSummedUp(desk_id=DESK, pod="lamps", day="2026-11-24", card_ids=["many-2", "many-1"], more=4)
    for _ in range(2):
        event = Event(DESK, summary, event_id=new_id())
        await publish(city.bootstrap, "machi.desk.cards.v1", [event])

    async def listed() -> list[SlackMessage]:
        return [each for each in await city.cards() if is_list(each)]

    await city.simulator.until(listed, what="the list")
    await city.flood(3)
    await all_named(city, 3)
    (found,) = await listed()
    assert numbers_in(found) == ["MANY-002", "MANY-001"], "the oldest first, as its pod said"
    words = json.dumps(list(found.blocks), ensure_ascii=False)
    assert words.count("カードへ") == 2
    assert "6件" in found.text
    assert "ほかに4件" in words


@pytest.mark.integration
async def test_a_morning_s_list_strikes_out_what_moved_away_and_not_what_waits_for_its_card(
    works: Works[Work], clock: ManualClock
) -> None:
    waits, moved = (CardKey("fukuoka", f"card-{number}", DESK) for number in (1, 2))
    async with works.begin("fukuoka") as work:
        for key in (waits, moved):
            await announce(work, key, Announced("lamps", 1, urgent=False), {})
        await list_old(work, Summary(DESK, "lamps", "2026-11-24", [waits.card_id, moved.card_id], 0))
    await PostgresCards(works).settled(moved, 1)
    digests = PostgresDigests(works, FloodRule())
    state = await digests.next_new("fukuoka", DESK, clock.now())
    assert state is not None
    for key in (waits, moved):
        await digests.describe(state.key, key.card_id, LineText(key.card_id.upper(), "lamp", NOW, "now"))
    shown = digest_message(state, await digests.lines(state.key), partial(TEXTS.say, "en"))
    words = json.dumps(list(shown.blocks))
    assert [f"~*CARD-{number}*~" in words for number in (1, 2)] == [False, True]


@pytest.mark.integration
async def test_a_listed_case_leaves_its_list_only_when_there_is_something_to_read(
    works: Works[Work], clock: ManualClock
) -> None:
    cards, digests = PostgresCards(works), PostgresDigests(works, FloodRule(cards=1))
    keys = [CardKey("fukuoka", f"card-{number}", DESK) for number in range(MOST_LINES)]

    async def say(version: int, *, quiet: bool) -> None:
        async with works.begin("fukuoka") as work:
            for key in keys:
                await announce(work, key, Announced("lamps", version, urgent=False, quiet=quiet), {})

    async def next_card() -> CardState | None:
        return await cards.next_new("fukuoka", DESK, clock.now(), (), in_flood=True)

    await say(1, quiet=False)
    assert await digests.gather("fukuoka", DESK, clock.now())
    await say(2, quiet=True)
    assert await next_card() is None
    calm = await cards.find(keys[0])
    await say(3, quiet=False)
    await say(4, quiet=True)
    loud = await next_card()
    assert (calm and calm.wanted, loud and loud.wanted) == (2, 4)


@pytest.mark.integration
async def test_what_is_announced_quietly_while_a_listed_card_is_posted_is_shown_on_it(
    works: Works[Work], clock: ManualClock
) -> None:
    cards, key = PostgresCards(works), CardKey("fukuoka", "card-1", DESK)
    async with works.begin("fukuoka") as work:
        await announce(work, key, Announced("lamps", 1, urgent=False), {})
        await announce(work, CardKey("fukuoka", "card-2", DESK), Announced("lamps", 1, urgent=False), {})
    clock.advance(ROUND)
    assert await PostgresDigests(works, FloodRule(cards=1)).gather("fukuoka", DESK, clock.now())
    async with works.begin("fukuoka") as work:
        await announce(work, key, Announced("lamps", 2, urgent=False, quiet=True), {})
    await cards.posted(key, "C1", "1796000000.000100")
    await cards.settled(key, 1)
    state = await cards.find(key)
    assert (state and (state.wanted, state.shown)) == (2, 1)
