"""A modal stays as it was filled in until the app takes it, in the tab that asked for it, as at Slack."""

import asyncio
import json
import re

import aiohttp
import pytest
from looking import EVERY_FIELD, MODAL, OFFICER
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.config import Config
from machi_simulator.faults import Fault
from machi_simulator.jsontree import Json, as_objects, child, text
from machi_simulator.slack.call import Call
from machi_simulator.slack.model import SlackUser, View
from machi_simulator.slack.officers import TROUBLE
from machi_simulator.testing import Simulator
from machi_simulator.testing_receiver import Receiver
from machi_simulator.world import World

FILLED = {"field-0": "一行目\r\n<二行目>", "field-1": "長すぎる言葉", "field-2": "二", "field-4": "二", "field-5": ""}
SHOWN = (
    "一行目\n&lt;二行目&gt;</textarea>",
    'value="長すぎる言葉"',
    '<option value="二" selected>',
    'value="二" checked',
)
AT_FIRST = ("前の言葉</textarea>", '<option value="一" selected>', 'value="一" checked')


async def opened(simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str, view: Json) -> View:
    card = (await simulator.slack.messages(channel))[0]
    await simulator.slack.press(OFFICER, card, "resolve")
    trigger = text(receiver.at("/slack/interactivity")[-1].json, "trigger_id")
    await slack.views_open(trigger_id=trigger, view=view)
    return (await simulator.slack.views(OFFICER))[0]


async def submitted(line: aiohttp.ClientSession, channel: str, view: View, **fields: str) -> str:
    form = {"user": OFFICER, "channel": channel, "view": view.id, "kind": "submit"} | fields
    async with line.post("/workspace/act", data=form) as answer:
        return await answer.text()


async def test_what_was_filled_in_stays_whatever_was_wrong(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    view = await opened(simulator, slack, receiver, channel, EVERY_FIELD)
    async with line.get("/workspace/", params={"user": OFFICER, "channel": channel}) as page:
        html = await page.text()
    assert [words for words in AT_FIRST if words not in html] == []
    html = await submitted(line, channel, view, **FILLED)
    assert [words for words in SHOWN if words not in html] == []
    assert [words for words in AT_FIRST if words in html] == []
    whole = FILLED | {"field-1": "短い", "field-3": "一", "field-5": "2026-04-01"}
    for answer in ((500, ""), (200, json.dumps({"response_action": "errors", "errors": {"words": "詳しく"}}))):
        receiver.answers = [answer]
        html = await submitted(line, channel, view, **whole)
        assert [words for words in (SHOWN[0], 'value="短い"', 'value="一" checked') if words not in html] == []
    assert 'role="dialog"' not in await submitted(line, channel, view, **whole)


async def test_a_view_in_its_place_keeps_the_words_of_the_same_fields(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    view = await opened(simulator, slack, receiver, channel, MODAL)
    (note,) = as_objects(MODAL["blocks"])
    other = note | {"block_id": "other", "element": child(note, "element") | {"action_id": "others"}}
    receiver.answers = [(200, json.dumps({"response_action": "update", "view": MODAL | {"blocks": [other, note]}}))]
    html = await submitted(line, channel, view, **{"field-0": "埋めました"})
    assert re.findall(r"<textarea id=\"field-(\d)\"[^>]*>([^<]*)</textarea>", html) == [("0", ""), ("1", "埋めました")]


async def test_what_is_wrong_is_said_at_its_field_and_in_the_readers_language(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    view = await opened(simulator, slack, receiver, channel, EVERY_FIELD)
    line.headers["accept-language"] = "zh-TW"
    html = await submitted(line, channel, view, **FILLED | {"field-2": ""})
    assert re.findall(r"id=\"field-(\d)-error\" role=\"alert\" lang=\"\">([^<]*)<", html) == [
        ("1", "最多5個字。"),
        *((at, "此項必填，請填寫或選擇。") for at in ("2", "3", "5")),
    ]
    wrong = re.findall(r"<(\w+)[^>]* aria-describedby=\"field-(\d)-error\" aria-invalid=\"true\"", html)
    assert wrong == [("input", "1"), ("select", "2"), ("fieldset", "3"), ("input", "5")]
    receiver.answers = [(500, "")]
    whole = FILLED | {"field-1": "短い", "field-3": "一", "field-5": "2026-04-01"}
    assert "應用程式未及時回應或發生錯誤。" in await submitted(line, channel, view, **whole)
    assert "該視窗已關閉。" in await submitted(line, channel, view.model_copy(update={"id": "V404"}))


@pytest.mark.parametrize("body", ["{}", "ok", " ", "[]", '{"response_action":"later"}', '{"response_action":"errors"}'])
async def test_only_an_empty_answer_closes_a_modal(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str, body: str
) -> None:
    view = await opened(simulator, slack, receiver, channel, MODAL)
    receiver.answers = [(200, body)]
    refused = await simulator.slack.submit(OFFICER, view, {"note": {"words": "埋めました"}})
    assert (refused.ok, refused.errors) == (False, {"": TROUBLE})
    assert [each.id for each in await simulator.slack.views(OFFICER)] == [view.id]
    assert (await simulator.slack.submit(OFFICER, view, {"note": {"words": "埋めました"}})).ok
    assert await simulator.slack.views(OFFICER) == []


async def test_a_modal_shows_in_the_tab_that_asked_for_it(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    card = (await simulator.slack.messages(channel))[0]
    place = {"user": OFFICER, "channel": channel}
    other = f"/phones/?user={OFFICER}&channel={channel}"
    press = place | {"kind": "press", "ts": card.ts, "action_id": "resolve", "block_id": "do"}
    async with line.post("/workspace/act", data=press | {"back": f"/workspace/?user={OFFICER}"}) as answer:
        here = answer.url
    trigger = text(receiver.at("/slack/interactivity")[-1].json, "trigger_id")
    await slack.views_open(trigger_id=trigger, view=MODAL)
    shown = {}
    for address in (str(here.relative()), f"/workspace/?user={OFFICER}&channel={channel}", other, f"{other}&tab=x"):
        async with line.get(address) as page:
            html = await page.text()
        shown[address] = 'role="dialog"' in html
    assert list(shown.values()) == [True, False, False, False]
    async with line.get(here.relative()) as page:
        (tab,) = set(re.findall(r'name="tab" value="([^"]*)"', await page.text()))
    assert tab == here.query["tab"]


async def test_a_triggers_life_begins_when_the_webhook_leaves(config: Config, receiver: Receiver) -> None:
    world = World(config)
    await world.open()
    try:
        officers = world.slack.officers
        officers.add(SlackUser(id=OFFICER, name="道路担当"))
        room = officers.create_channel(OFFICER, "road")
        world.faults.add(Fault(path="webhook/slack/*", kind="delay", ms=20))

        async def meanwhile() -> None:
            world.clock.advance(3)

        await asyncio.gather(officers.command(OFFICER, room.id, "/machi", ""), meanwhile())
        trigger = text(receiver.at("/slack/commands")[0].json, "trigger_id")
        assert world.slack.api.views.open_modal(Call("views.open", {"trigger_id": trigger, "view": MODAL}))
    finally:
        await world.close()
