"""App Home: an officer's day, a kind page for anybody else, made new after a press; judged by what Slack received."""

import asyncio
import json
from datetime import UTC, datetime
from typing import cast

import orjson
import pytest
from samples import board
from slack_city import DESK, OFFICER, PUBLISH, RESIDENT, STRANGER, SlackCity

from machi.dialogue.v1.desk_card_pb2 import BoardSection
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.entrypoints.homes import Homes
from machi_channel_slack.use_cases.show_home import Lobby
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Unavailable
from machi_simulator.config import Config
from machi_simulator.faults import Fault

pytestmark = pytest.mark.integration


async def test_an_officer_sees_the_day_and_each_line_opens_its_card(city: SlackCity) -> None:
    await city.announce(1)
    card = await city.shown(1)
    await city.simulator.slack.open_home(OFFICER)
    page = await city.home(OFFICER)
    assert "きょうの仕事" in page
    assert "ABC-234-2" in page
    assert "ほか2件" in page
    assert page.count("カードを開く") == 1, "only card-1 stands in a channel"
    assert f"channel={card.channel}&thread={card.ts}" in page
    (asked,) = city.lamps.boards
    assert (asked.staff.staff_id, list(asked.staff.desk_ids), asked.language) == ("s-1", [DESK], "ja")
    assert await city.simulator.refused() == []
    view = await city.simulator.slack.home(OFFICER)
    assert view is not None
    action = next(block["accessory"] for block in json.loads(page)["blocks"] if "accessory" in block)["action_id"]
    assert (await city.simulator.slack.press_in_view(OFFICER, view, action)).ok


async def test_a_stranger_gets_a_kind_page_and_nothing_of_the_desks(city: SlackCity) -> None:
    await city.simulator.slack.open_home(STRANGER)
    page = await city.home(STRANGER)
    assert "ようこそ" in page
    assert "ABC-234" not in page
    assert city.lamps.boards == []


async def test_a_resident_reads_the_page_in_the_language_they_chose(city: SlackCity) -> None:
    city.people.languages[f"{Config().slack_team_id}/{RESIDENT}"] = "ko"
    await city.simulator.slack.open_home(RESIDENT)
    page = await city.home(RESIDENT)
    assert "환영합니다" in page
    assert "ようこそ" not in page


async def test_a_press_makes_the_page_new_and_many_presses_make_it_new_few_times(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    await city.simulator.slack.open_home(OFFICER)
    await city.home(OFFICER)
    city.lamps.sections = [BoardSection(section_id="mine", title="あたらしい", total=0)]
    await asyncio.gather(*(city.simulator.slack.press(OFFICER, message, "acknowledge") for _ in range(8)))
    await city.turned(8)
    assert "あたらしい（0）" in await city.home(OFFICER, 2)
    assert len(await city.simulator.received(PUBLISH)) <= 4
    assert await city.simulator.refused() == []


async def test_what_is_chosen_in_the_menu_of_a_card_is_a_press_or_opens_its_form(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    menu = next(
        element
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]  # type: ignore[attr-defined]
        if element["type"] == "overflow"
    )
    later, note = [option["value"] for option in menu["options"]]
    await city.simulator.slack.press(OFFICER, message, "more", later)
    (turn,) = await city.turned(1)
    assert turn.card_press.action_id == "later"
    await city.simulator.slack.press(OFFICER, message, "more", note)
    (view,) = await city.simulator.slack.views(OFFICER)
    values: dict[str, dict[str, object]] = {"words": {"words": "なかまへ"}}
    assert (await city.simulator.slack.submit(OFFICER, view, values)).ok
    _, noted = await city.turned(2)
    assert (noted.card_press.action_id, dict(noted.card_press.values)["words"]) == ("note", "なかまへ")


async def test_the_page_comes_once_slack_takes_it(city: SlackCity) -> None:
    await city.simulator.plan(Fault(path=PUBLISH, kind="status", status=500))
    await city.simulator.slack.open_home(OFFICER)
    assert "きょうの仕事" in await city.home(OFFICER)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"type": "app_home_opened", "user": OFFICER, "tab": "messages"}, 200),
        ({"type": "app_home_opened", "tab": "home"}, 400),
        ({"tab": "home", "user": OFFICER, "view": None, "type": "app_home_opened"}, 200),
        ({"user": OFFICER, "type": "app_home_opened", "event_ts": "x"}, 200),
    ],
)
async def test_events_of_any_shape_are_read(city: SlackCity, event: dict[str, object], status: int) -> None:
    body = {"event": event, "event_id": "Ev1", "team_id": "T0MACHI", "type": "event_callback"}
    answer = await city.simulator.slack.raw("events", orjson.dumps(body))
    assert answer.status == status
    if status == 200 and event.get("tab") != "messages":
        assert "きょうの仕事" in await city.home(OFFICER)


async def test_two_pods_are_full_pages_within_slacks_blocks(city: SlackCity) -> None:
    city.lamps.sections = [board(lines=8, total=9) for _ in range(20)]
    await city.simulator.slack.open_home(OFFICER)
    assert len(json.loads(await city.home(OFFICER))["blocks"]) == 100
    assert await city.simulator.refused() == []


class Hung:
    """`use_cases.show_home.Lobby` of a workspace whose identity never answers, or that notes who is asked for."""

    def __init__(self, *, answers: bool) -> None:
        self.tenant, self.desks, self.answers = "fukuoka", self, answers
        self.asked = asyncio.Event()

    async def staff(self, tenant: str, address: str, within: float) -> Staff:
        self.asked.set()
        if not self.answers:
            await asyncio.Event().wait()
        raise Unavailable("identity-down")


async def test_a_workspace_that_hangs_keeps_no_other_one_waiting() -> None:
    lobbies = {"hangs": Hung(answers=False), "answers": Hung(answers=True)}
    homes = Homes(cast("dict[str, Lobby]", lobbies), ManualClock(datetime(2026, 11, 24, tzinfo=UTC)))
    for tenant in lobbies:
        homes.soon(tenant, "T1/U1")
    working = asyncio.create_task(homes.run())
    async with asyncio.timeout(30):
        for lobby in lobbies.values():
            await lobby.asked.wait()
    working.cancel()
