"""What the script of the views must not lose: words, guards, the order of things, and where the reader is."""

import asyncio
import json
import re

import pytest
from looking import EVERY_FIELD, MODAL, ONE_LINE, Desk, browser_only, clean
from playwright.async_api import Route

ACT = "**/workspace/act"
SILENCE = "No proper answer came."
# Gives these keys to what has the focus, and says how many forms were sent for them.
PRESS = """(keys) => {
  let sent = 0;
  document.addEventListener("submit", () => (sent += 1));
  const press = (key) => new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...key });
  for (const key of keys) document.activeElement.dispatchEvent(press(key));
  return sent;
}"""
WATCH = """() => {
  window.seen = 0;
  const look = () => (window.seen += document.querySelectorAll("[role=dialog]").length);
  new MutationObserver(look).observe(document.getElementById("main"), { childList: true, subtree: true });
}"""


@browser_only
async def test_keys_that_choose_words_send_and_close_nothing(desk: Desk) -> None:
    page = desk.page
    await page.fill("#compose-text", "とうふく")
    chosen = [{"key": "Enter", "isComposing": True}, {"key": "Enter", "keyCode": 229}]
    assert await page.evaluate(PRESS, chosen) == 0
    assert await page.evaluate(PRESS, [{"key": "Enter"}]) == 1
    await desk.open(ONE_LINE)
    await page.get_by_label("事由").focus()
    dropped = [{"key": "Escape", "isComposing": True}, {"key": "Escape", "keyCode": 229}]
    assert await page.evaluate(PRESS, dropped) == 0
    assert await page.evaluate(PRESS, [{"key": "Escape"}]) == 1


@browser_only
@pytest.mark.parametrize("broken", ["cut", "500"])
async def test_what_got_no_answer_is_said_and_nothing_is_lost(desk: Desk, broken: str) -> None:
    async def fail(route: Route) -> None:
        await (route.abort() if broken == "cut" else route.fulfill(status=500, body="no page"))

    page = desk.page
    await desk.open(MODAL)
    address = page.url
    await page.get_by_label("市民へのメモ").fill("埋めました")
    await page.route(ACT, fail)
    await page.get_by_role("button", name="送る").click()
    await page.locator("#dialog-unanswered", has_text=SILENCE).wait_for()
    assert await page.get_by_label("市民へのメモ").input_value() == "埋めました"
    assert page.url == address
    await clean(page)
    await page.unroute(ACT)
    await page.get_by_role("button", name="送る").click()
    await page.get_by_role("dialog").wait_for(state="detached")

    await page.route(ACT, fail)
    await page.fill("#compose-text", "確認します")
    await page.press("#compose-text", "Enter")
    await page.locator("#unanswered", has_text=SILENCE).wait_for()
    assert await page.input_value("#compose-text") == "確認します"
    await page.unroute(ACT)
    await page.press("#compose-text", "Enter")
    await page.locator("#messages").get_by_text("確認します").wait_for()
    assert await page.locator("#unanswered").text_content() == ""


@browser_only
async def test_enter_pressed_twice_sends_once(desk: Desk, channel: str) -> None:
    page, released = desk.page, asyncio.Event()
    sent: list[str] = []

    async def hold(route: Route) -> None:
        sent.append(route.request.url)
        await released.wait()
        await route.continue_()

    await page.route(ACT, hold)
    await page.fill("#compose-text", "一度だけ")
    await page.press("#compose-text", "Enter")
    await desk.slack.chat_postMessage(channel=channel, text="新しいカード")
    await page.get_by_text("新しいカード").wait_for()
    await page.press("#compose-text", "Enter")
    released.set()
    await page.locator("#messages").get_by_text("一度だけ").wait_for()
    assert len(sent) == 1


@browser_only
async def test_a_page_asked_for_before_an_act_does_not_undo_it(desk: Desk, channel: str) -> None:
    page, asked, released = desk.page, asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if asked.is_set() or "x-live" not in route.request.headers:
            await route.continue_()
            return
        before = await route.fetch()
        asked.set()
        await released.wait()
        await route.fulfill(response=before)

    await desk.open(ONE_LINE)
    await page.route(re.compile(r"/workspace/?\?"), hold)
    await desk.slack.chat_postMessage(channel=channel, text="先のカード")
    await asyncio.wait_for(asked.wait(), 10)
    await page.get_by_label("事由").fill("重複")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").wait_for(state="detached")
    await page.evaluate(WATCH)
    released.set()
    await desk.slack.chat_postMessage(channel=channel, text="後のカード")
    await page.get_by_text("後のカード").wait_for()
    assert await page.evaluate("window.seen") == 0


@browser_only
async def test_what_is_wrong_gets_the_focus_and_what_was_typed_stays(desk: Desk) -> None:
    page = desk.page
    await desk.open(EVERY_FIELD)
    await page.get_by_label("words").fill("埋めました")
    await page.get_by_label("short").fill("短い")
    await page.get_by_role("button", name="送る").click()
    await (
        page.get_by_role("radiogroup", name="way")
        .get_by_role("radio", name="一")
        .and_(page.locator(":focus"))
        .wait_for()
    )
    await clean(page)
    await page.keyboard.press("Space")
    await page.get_by_label("day").fill("2026-04-01")
    wrong = json.dumps({"response_action": "errors", "errors": {"short": "詳しく"}})
    desk.receiver.answers = [(200, wrong)]
    await page.get_by_role("button", name="送る").click()
    await page.get_by_role("alert").get_by_text("詳しく").wait_for()
    await page.get_by_label("short").and_(page.locator(":focus")).wait_for()
    assert await page.get_by_label("words").input_value() == "埋めました"
    await page.get_by_label("short").fill("詳細")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").wait_for(state="detached")
