"""What tests of the views share: a chat with everything in it, a card, a form, and a browser's eye for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Browser, Page
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.jsontree import Json, as_object, text
from machi_simulator.testing import Simulator
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

ONE_LINE: Json = MODAL | {
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "事由"},
            "element": {"type": "plain_text_input", "action_id": "words"},
        }
    ]
}


def _plain(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def _asked(name: str, kind: str, **more: object) -> Json:
    element = {"type": kind, "action_id": f"{name}-given", **more}
    return {"type": "input", "block_id": name, "label": _plain(name), "element": element}


CHOICES = [{"text": _plain(words), "value": words} for words in ("一", "二")]
EVERY_FIELD: Json = MODAL | {
    "blocks": [
        _asked("words", "plain_text_input", multiline=True, initial_value="前の言葉"),
        _asked("short", "plain_text_input", max_length=5),
        _asked("desk", "static_select", options=CHOICES, initial_option=CHOICES[0]),
        _asked("way", "radio_buttons", options=CHOICES),
        _asked("signs", "checkboxes", options=CHOICES, initial_options=CHOICES[:1]),
        _asked("day", "datepicker"),
    ]
}
NOTHING_TO_SEND: Json = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "予定"},
    "blocks": [{"type": "actions", "elements": [{"type": "datepicker", "action_id": "day"}]}],
}


async def push(line: aiohttp.ClientSession, user: str, *messages: Json) -> None:
    async with line.post("/line/v2/bot/message/push", json={"to": user, "messages": list(messages)}) as answer:
        assert answer.status == 200, await answer.text()


async def menu(line: aiohttp.ClientSession) -> None:
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


def events(receiver: Receiver, kind: str) -> list[Json]:
    return [event for hook in receiver.at("/line/webhook") for event in hook.events if event["type"] == kind]


async def came(simulator: Simulator, receiver: Receiver, kind: str, count: int = 1) -> Json:
    async def enough() -> bool:
        return len(events(receiver, kind)) >= count

    await simulator.until(enough, what=f"{count} {kind}")
    return events(receiver, kind)[-1]


async def open_page(browser: Browser, width: int, scheme: str) -> Page:
    dark = scheme == "dark"
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
    )
    return await context.new_page()


async def clean(page: Page) -> None:
    found = await Axe().run(page)
    violations = found.response["violations"]
    seen = [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in violations]
    assert not seen, f"{page.url}: {seen}"
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} is too wide"


@dataclass(frozen=True)
class Desk:
    """An officer's page of the workspace, and the app behind it."""

    simulator: Simulator
    page: Page
    slack: AsyncWebClient
    receiver: Receiver

    async def heard(self, kind: str) -> Json:
        """The last interaction, once it is of this kind."""

        async def came_in() -> bool:
            hooks = self.receiver.at("/slack/interactivity")
            return bool(hooks) and hooks[-1].json["type"] == kind

        await self.simulator.until(came_in, what=kind)
        return self.receiver.at("/slack/interactivity")[-1].json

    async def open(self, view: Json) -> None:
        """Press the card's button; the app answers with this modal."""
        before = len(self.receiver.at("/slack/interactivity"))
        await self.page.get_by_role("button", name="完了").click()

        async def pressed() -> bool:
            return len(self.receiver.at("/slack/interactivity")) > before

        await self.simulator.until(pressed)
        trigger = text(await self.heard("block_actions"), "trigger_id")
        await self.slack.views_open(trigger_id=trigger, view=view)
        await self.page.get_by_role("dialog").wait_for()
