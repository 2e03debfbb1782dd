import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.config import Config
from machi_simulator.jsontree import Json, as_object, as_objects, child, text
from machi_simulator.testing import Simulator, running
from machi_simulator.testing_receiver import Receiver

Test = TypeVar("Test", bound=Callable[..., Awaitable[None]])
CHROMIUM = Path("/usr/bin/chromium")
OFFICER = "U0ROADS01"
MAP = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "中央区"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[130.3, 33.5], [130.5, 33.5], [130.5, 33.7], [130.3, 33.7], [130.3, 33.5]]],
            },
        }
    ],
}


def browser_only(test: Test) -> Test:
    missing = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
    marked: Test = pytest.mark.browser(missing(test))
    return marked


def _postback(label: str) -> Json:
    return {"type": "postback", "label": label, "data": f"do={label}", "displayText": label}


def _row(*parts: Json) -> Json:
    return {"type": "box", "layout": "baseline", "contents": list(parts)}


def _said(words: str) -> Json:
    return {"type": "text", "text": words, "wrap": True}


FLEX: Json = {
    "type": "flex",
    "altText": "受付番号 AB12-CD34",
    "contents": {
        "type": "bubble",
        "body": {
            "type": "box",
            "layout": "vertical",
            "contents": [_row(_said("受付番号"), _said("AB12-CD34")), _said("<b>&amp; https://example.com/x")],
        },
        "footer": {
            "type": "box",
            "layout": "vertical",
            "contents": [{"type": "button", "style": "primary", "action": _postback("評価する")}],
        },
    },
}
CONFIRM: Json = {
    "type": "template",
    "altText": "送信しますか",
    "template": {"type": "confirm", "text": "送信しますか", "actions": [_postback("はい"), _postback("いいえ")]},
}
CAROUSEL: Json = {
    "type": "template",
    "altText": "自分の通報",
    "template": {
        "type": "carousel",
        "columns": [{"title": f"AB1{at}", "text": "対応中", "actions": [_postback(f"詳細{at}")]} for at in range(3)],
    },
}
QUICK_ACTIONS: list[Json] = [
    {"type": "location", "label": "地図で選ぶ"},
    {"type": "camera", "label": "写真を撮る"},
    {"type": "datetimepicker", "label": "日付", "data": "day", "mode": "date"},
    {"type": "uri", "label": "電話する", "uri": "tel:092-711-4111"},
    {"type": "message", "label": "やめる", "text": "やめる"},
]
QUICK: Json = {
    "type": "text",
    "text": "場所を教えてください",
    "quickReply": {"items": [{"type": "action", "action": action} for action in QUICK_ACTIONS]},
}
CARD: list[Json] = [
    {"type": "header", "text": {"type": "plain_text", "text": "AB12-CD34"}},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": "*区*\n中央区"}]},
    {"type": "section", "text": {"type": "mrkdwn", "text": "穴が &lt;危険&gt; です &amp; <https://example.com|地図>"}},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "3 分前"}]},
    {
        "type": "actions",
        "block_id": "do",
        "elements": [
            {"type": "button", "action_id": "resolve", "text": {"type": "plain_text", "text": "完了"}},
            {
                "type": "static_select",
                "action_id": "hand_over",
                "placeholder": {"type": "plain_text", "text": "別の担当へ"},
                "options": [{"text": {"type": "plain_text", "text": "公園課"}, "value": "parks"}],
            },
        ],
    },
]
MODAL: Json = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "完了にする"},
    "submit": {"type": "plain_text", "text": "送る"},
    "blocks": [
        {
            "type": "input",
            "block_id": "note",
            "label": {"type": "plain_text", "text": "市民へのメモ"},
            "element": {"type": "plain_text_input", "action_id": "words", "multiline": True},
        }
    ],
}


@pytest.fixture
def config(config: Config, tmp_path: Path) -> Config:
    path = tmp_path / "map.json"
    path.write_text(json.dumps(MAP))
    return config.model_copy(update={"simulator_map": path})


@pytest.fixture
async def line(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"authorization": "Bearer simulated-line-token", "accept-language": "en"}
    async with aiohttp.ClientSession(simulator.url, headers=headers) as session:
        yield session


@pytest.fixture
async def friend(simulator: Simulator, line: aiohttp.ClientSession) -> str:
    user = await simulator.line.create("春吉 花子")
    await simulator.line.follow(user)
    await simulator.line.say(user, "通報")
    await _menu(line)
    await _push(line, user, FLEX, CONFIRM, CAROUSEL, QUICK)
    return user


@pytest.fixture
async def slack(simulator: Simulator) -> AsyncWebClient:
    await simulator.slack.add_user(OFFICER, "道路担当")
    return AsyncWebClient("xoxb-simulated", base_url=simulator.slack_api_url)


@pytest.fixture
async def channel(slack: AsyncWebClient) -> str:
    found: str = (await slack.conversations_create(name="道路-中央区"))["channel"]["id"]
    posted = await slack.chat_postMessage(channel=found, text="AB12-CD34", blocks=CARD)
    await slack.chat_postMessage(channel=found, text="市民より: *まだ* です", thread_ts=posted["ts"])
    return found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield launched
        await launched.close()


async def _push(line: aiohttp.ClientSession, user: str, *messages: Json) -> None:
    async with line.post("/line/v2/bot/message/push", json={"to": user, "messages": list(messages)}) as answer:
        assert answer.status == 200, await answer.text()


async def _menu(line: aiohttp.ClientSession) -> None:
    bounds = [{"x": at * 833, "y": 0, "width": 833, "height": 843} for at in range(3)]
    labels = ["通報", "自分の通報", "お知らせ"]
    areas = [{"bounds": box, "action": _postback(label)} for box, label in zip(bounds, labels, strict=True)]
    menu = {"size": {"width": 2500, "height": 843}, "selected": True, "name": "ja", "chatBarText": "メニュー"}
    async with line.post("/line/v2/bot/richmenu", json=menu | {"areas": areas}) as answer:
        made = text(as_object(await answer.json()), "richMenuId")
    picture = BytesIO()
    Image.new("RGB", (2500, 843), "#cde").save(picture, "PNG")
    picture.seek(0)
    kind = {"content-type": "image/png"}
    async with line.post(f"/line-data/v2/bot/richmenu/{made}/content", data=picture, headers=kind) as answer:
        assert answer.status == 200
    async with line.post(f"/line/v2/bot/user/all/richmenu/{made}") as answer:
        assert answer.status == 200


def _events(receiver: Receiver, kind: str) -> list[Json]:
    return [event for hook in receiver.at("/line/webhook") for event in hook.events if event["type"] == kind]


async def _came(simulator: Simulator, receiver: Receiver, kind: str, count: int = 1) -> Json:
    async def enough() -> bool:
        return len(_events(receiver, kind)) >= count

    await simulator.until(enough, what=f"{count} {kind}")
    return _events(receiver, kind)[-1]


async def test_the_phone_works_by_plain_forms(
    simulator: Simulator, line: aiohttp.ClientSession, receiver: Receiver, friend: str
) -> None:
    async with line.get("/phone", params={"user": friend}) as page:
        html = await page.text()
    assert page.status == 200
    for shown in (
        "AB12-CD34",
        "&lt;b&gt;&amp;amp;",
        "場所を教えてください",
        "評価する",
        "詳細2",
        'href="tel:092-711-4111"',
    ):
        assert shown in html
    form = {"user": friend, "kind": "text", "text": "一行目\r\n二行目"}
    async with line.post("/phone/act", data=form) as answer:
        assert "一行目\n二行目" in await answer.text()
    button = next(each for each in await simulator.line.buttons(friend) if each.label == "はい")
    async with line.post("/phone/act", data={"user": friend, "kind": "press", "ref": button.ref}) as answer:
        assert answer.status == 200
    assert child(await _came(simulator, receiver, "postback"), "postback") == {"data": "do=はい"}
    async with line.post("/phone/act", data={"user": friend, "kind": "location", "latitude": "north"}) as answer:
        assert "Latitude and longitude are numbers" in await answer.text()
    photo = aiohttp.FormData({"user": friend, "kind": "upload"})
    photo.add_field("file", b"\xff\xd8", filename="a.jpg", content_type="image/jpeg")
    async with line.post("/phone/act", data=photo) as answer:
        assert "Photo you sent" in await answer.text()


async def test_a_phone_is_set_to_one_of_the_citys_languages(config: Config) -> None:
    told = config.model_copy(update={"simulator_languages": {"ko": "한국어", "en": "English"}})
    for chosen, shown in ((config, []), (told, ["한국어", "English"])):
        english = {"accept-language": "en"}
        async with running(chosen) as simulator, aiohttp.ClientSession(simulator.url, headers=english) as browser:
            async with browser.get("/phone/") as page:
                html = await page.text()
            offered = html.partition("Phone's language")[2] or html.partition("Phone&#39;s language")[2]
            assert re.findall(r"<option value=\"(?:ko|en)\" lang=\"\w+\">(\w+)</option>", offered) == shown


async def test_a_point_on_the_map_becomes_coordinates(line: aiohttp.ClientSession, friend: str) -> None:
    query = {"user": friend, "open": "place", "at.x": "140", "at.y": "140"}
    async with line.get("/phone/", params=query) as page:
        html = await page.text()
    assert 'value="33.6' in html
    assert 'value="130.4' in html
    async with line.get("/phone/map.svg", params={"latitude": "33.6", "longitude": "130.4"}) as picture:
        assert "中央区" in await picture.text()


async def test_the_workspace_works_by_plain_forms(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    card = (await simulator.slack.messages(channel))[0]
    place = {"user": OFFICER, "channel": channel}
    async with line.get("/workspace", params=place | {"thread": card.ts}) as page:
        html = await page.text()
    for shown in ("穴が &lt;危険&gt; です &amp; ", 'href="https://example.com"', "<strong>まだ</strong>", "公園課"):
        assert shown in html
    press = place | {"kind": "press", "ts": card.ts, "action_id": "hand_over", "block_id": "do", "value": "parks"}
    async with line.post("/workspace/act", data=press) as answer:
        assert answer.status == 200
    payload = receiver.at("/slack/interactivity")[-1].json
    assert child(as_objects(payload["actions"])[0], "selected_option")["value"] == "parks"

    await slack.views_open(trigger_id=text(payload, "trigger_id"), view=MODAL)
    view = (await simulator.slack.views(OFFICER))[0]
    submit = place | {"view": view.id, "kind": "submit", "field-0": ""}
    async with line.post("/workspace/act", data=submit) as answer:
        assert "Please complete this required field." in await answer.text()
    async with line.post("/workspace/act", data=submit | {"field-0": "埋めました"}) as answer:
        assert 'role="dialog"' not in await answer.text()
    reply = place | {"kind": "message", "thread": card.ts, "text": "確認します"}
    async with line.post("/workspace/act", data=reply) as answer:
        assert "確認します" in await answer.text()


async def _page(browser: Browser, width: int, scheme: str) -> Page:
    dark = scheme == "dark"
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
    )
    return await context.new_page()


async def _clean(page: Page) -> None:
    found = await Axe().run(page)
    assert found.response["violations"] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@browser_only
@pytest.mark.parametrize("look", [(320, "light"), (320, "dark"), (1280, "light")], ids=str)
async def test_both_views_are_accessible_on_a_phone_and_in_the_dark(
    simulator: Simulator, browser: Browser, friend: str, channel: str, look: tuple[int, str]
) -> None:
    page = await _page(browser, *look)
    await page.goto(f"{simulator.url}/phone?user={friend}&open=place")
    await _clean(page)
    card = (await simulator.slack.messages(channel))[0]
    await page.goto(f"{simulator.url}/workspace?user={OFFICER}&channel={channel}&thread={card.ts}")
    await _clean(page)


@browser_only
async def test_a_resident_uses_the_phone_by_keyboard(
    simulator: Simulator, browser: Browser, line: aiohttp.ClientSession, receiver: Receiver, friend: str
) -> None:
    page = await _page(browser, 390, "light")
    await page.goto(f"{simulator.url}/phone?user={friend}")
    await page.focus("#text-0")
    await page.keyboard.type("こんにちは")
    await page.keyboard.press("Enter")
    await page.get_by_text("こんにちは").wait_for()
    assert await page.input_value("#text-0") == ""
    await page.get_by_role("button", name="自分の通報").focus()
    await page.keyboard.press("Enter")
    assert child(await _came(simulator, receiver, "postback"), "postback")["data"] == "do=自分の通報"

    await _push(line, friend, QUICK)
    await page.get_by_role("link", name="地図で選ぶ").click()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Map 33.6").wait_for()
    message = child(await _came(simulator, receiver, "message", 3), "message")
    assert message["type"] == "location"


@browser_only
async def test_an_officer_fills_in_a_modal(
    simulator: Simulator, browser: Browser, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    page = await _page(browser, 390, "light")
    await page.goto(f"{simulator.url}/workspace?user={OFFICER}&channel={channel}")
    await page.get_by_role("button", name="完了").click()

    async def pressed() -> bool:
        return bool(receiver.at("/slack/interactivity"))

    await simulator.until(pressed)
    trigger = text(receiver.at("/slack/interactivity")[0].json, "trigger_id")
    await slack.views_open(trigger_id=trigger, view=MODAL)
    await page.get_by_role("dialog").wait_for()
    assert await page.evaluate("document.activeElement.getAttribute('role')") == "dialog"
    await _clean(page)
    await page.get_by_label("市民へのメモ").fill("埋めました")
    await page.get_by_role("button", name="送る").click()
    await page.get_by_role("dialog").wait_for(state="detached")
    await slack.chat_postMessage(channel=channel, text="新しいカード")
    await page.get_by_text("新しいカード").wait_for()


async def test_a_city_without_a_map_types_coordinates(config: Config) -> None:
    async with running(config.model_copy(update={"simulator_map": None})) as simulator:
        user = await simulator.line.create()
        await simulator.line.follow(user)
        async with aiohttp.ClientSession() as session, session.get(f"{simulator.url}/phone?user={user}") as page:
            html = await page.text()
    assert "緯度" in html
    assert 'type="image"' not in html
