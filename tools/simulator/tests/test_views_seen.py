import base64

import aiohttp
import pytest
from looking import MODAL, NOTHING_TO_SEND, OFFICER, ONE_LINE, QUICK, Desk, browser_only, came, clean, open_page, push
from playwright.async_api import Browser, FilePayload, Page
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.faults import Fault
from machi_simulator.jsontree import child
from machi_simulator.testing import Simulator
from machi_simulator.testing_receiver import Receiver

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def where(page: Page) -> str:
    found: str = await page.evaluate("document.activeElement.id")
    return found


@browser_only
@pytest.mark.parametrize("look", [(320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")], ids=str)
async def test_every_view_is_accessible_on_a_phone_and_in_the_dark(
    simulator: Simulator, browser: Browser, friend: str, channel: str, look: tuple[int, str]
) -> None:
    page = await open_page(browser, *look)
    card = (await simulator.slack.messages(channel))[0]
    await simulator.plan(Fault(path="/line/*", kind="status"))
    for path in (
        f"phone/?user={friend}",
        f"phone/?user={friend}&open=place",
        f"phone/?user={friend}&open=camera&notice=add+the+account+first",
        f"phones/?user={friend}&user={OFFICER}&channel={channel}",
        f"workspace/?user={OFFICER}&channel={channel}",
        f"workspace/?user={OFFICER}&channel={channel}&thread={card.ts}",
        f"workspace/?user={OFFICER}&home=1",
        f"timeline/?user={friend}",
    ):
        await page.goto(f"{simulator.url}/{path}")
        await clean(page)


@browser_only
async def test_a_resident_uses_the_phone_by_keyboard(
    simulator: Simulator, browser: Browser, line: aiohttp.ClientSession, receiver: Receiver, friend: str
) -> None:
    page = await open_page(browser, 390, "light")
    await page.goto(f"{simulator.url}/phone?user={friend}")
    await page.focus("#text-0")
    await page.keyboard.type("こんにちは")
    await page.keyboard.press("Enter")
    await page.get_by_text("こんにちは").wait_for()
    assert await page.input_value("#text-0") == ""
    assert await where(page) == "text-0"
    await page.locator("#menu-0 > summary").press("Enter")
    await page.get_by_role("button", name="自分の通報").focus()
    await page.keyboard.press("Enter")
    await page.locator("#chat-0 > li.resident", has_text="自分の通報").wait_for()
    assert await page.evaluate("document.activeElement.textContent") == "自分の通報"
    assert child(await came(simulator, receiver, "postback"), "postback")["data"] == "do=自分の通報"

    await push(line, friend, QUICK)
    await page.get_by_role("link", name="地図で選ぶ").click()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Map 33.6").wait_for()
    message = child(await came(simulator, receiver, "message", 3), "message")
    assert message["type"] == "location"
    assert await page.evaluate("document.activeElement.closest('details').id") == "place-0"

    await push(line, friend, QUICK)
    await page.get_by_role("button", name="やめる").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="やめる").wait_for(state="detached")
    assert await where(page) == "quick-0"
    await push(line, friend, QUICK)
    await page.get_by_role("link", name="地図で選ぶ").wait_for()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "地図で選ぶ"


@browser_only
async def test_photos_are_seen_before_they_are_sent(
    simulator: Simulator, browser: Browser, receiver: Receiver, friend: str
) -> None:
    page = await open_page(browser, 390, "light")
    await page.goto(f"{simulator.url}/phone?user={friend}")
    await page.get_by_role("link", name="写真を撮る").click()
    assert await where(page) == "camera-file-0"
    chosen: list[FilePayload] = [{"name": f"{at}.png", "mimeType": "image/png", "buffer": PIXEL} for at in range(4)]
    await page.set_input_files("#camera-file-0", chosen)
    await page.get_by_role("alert").get_by_text("At most three photos at once.").wait_for()
    await page.set_input_files("#camera-file-0", chosen[:3])
    await page.get_by_role("img", name="2.png").wait_for()
    await clean(page)
    await page.locator("#camera-0").get_by_role("button", name="Send photos").click()
    await page.get_by_role("img", name="Photo you sent").nth(2).wait_for()
    message = child(await came(simulator, receiver, "message", 4), "message")
    assert child(message, "imageSet")["total"] == 3
    assert await page.get_by_role("img", name="2.png").count() == 0


@browser_only
async def test_photos_to_the_app_leave_its_answer_in_sight(
    simulator: Simulator, browser: Browser, slack: AsyncWebClient
) -> None:
    direct = str((await slack.conversations_open(users=[OFFICER]))["channel"]["id"])
    page = await open_page(browser, 390, "light")
    await page.goto(f"{simulator.url}/workspace/?user={OFFICER}&channel={direct}")
    chosen: list[FilePayload] = [{"name": f"{at}.png", "mimeType": "image/png", "buffer": PIXEL} for at in range(4)]
    await page.locator("#compose summary").click()
    await page.set_input_files("#compose-file", chosen)
    await page.get_by_role("alert").get_by_text("At most three photos at once.").wait_for()
    await clean(page)
    # Four photos are none: a closed tray keeps no words from being sent.
    await page.locator("#compose summary").click()
    await page.fill("#compose-text", "あとで送ります")
    await page.keyboard.press("Enter")
    await page.locator("#messages").get_by_text("あとで送ります").wait_for()
    await page.locator("#compose summary").click()
    await page.set_input_files("#compose-file", chosen[:1])
    await page.get_by_role("img", name="0.png").wait_for()
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.locator("#messages img.photo").wait_for()
    assert await page.locator("details.tray-of[open]").count() == 0


@browser_only
async def test_a_pin_is_put_by_finger_and_typed_places_move_it(
    simulator: Simulator, browser: Browser, friend: str
) -> None:
    page = await open_page(browser, 390, "light")
    await page.goto(f"{simulator.url}/phone?user={friend}")
    await page.locator("#place-0 > summary").click()
    city = page.locator("#place-0 svg[role=application]")
    await city.click(position={"x": 150, "y": 140})
    assert "中央区" in await page.locator("#map-said-0").inner_text()
    before = await page.input_value("#longitude-0")
    await page.get_by_role("button", name="Zoom in").click()
    await city.focus()
    await page.keyboard.press("ArrowRight")
    assert 0 < float(await page.input_value("#longitude-0")) - float(before) < 0.01
    at = await page.locator("#place-0 .pin").get_attribute("transform")
    await page.fill("#longitude-0", "130.45")
    assert await page.locator("#place-0 .pin").get_attribute("transform") != at


@browser_only
async def test_without_scripts_everything_is_forms_and_links(
    simulator: Simulator, browser: Browser, receiver: Receiver, friend: str
) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = await context.new_page()
    await page.goto(f"{simulator.url}/phones/?user={friend}")
    await page.get_by_role("link", name="地図で選ぶ").click()
    assert page.url.endswith("#place-0")
    await page.get_by_role("link", name="Zoom in").click()
    await page.locator("input.map").click(position={"x": 140, "y": 140})
    await page.get_by_role("button", name="Send place").click()
    assert page.url.endswith("#compose-0")
    assert child(await came(simulator, receiver, "message", 2), "message")["type"] == "location"
    await page.locator("#picture-0 > summary").click()
    await page.set_input_files("#picture-file-0", {"name": "a.png", "mimeType": "image/png", "buffer": PIXEL})
    await page.locator("#picture-0").get_by_role("button", name="Send photos").click()
    assert child(await came(simulator, receiver, "message", 3), "message")["type"] == "image"
    await page.get_by_role("button", name="LINE answers 500").click()
    assert page.url.endswith("#switches")
    await page.get_by_role("button", name="Clear all").click()
    await page.get_by_text("Nothing goes wrong.").wait_for()
    await context.close()


@browser_only
async def test_an_officer_fills_in_a_modal(desk: Desk, channel: str) -> None:
    page = desk.page
    await desk.open(MODAL)
    assert await page.evaluate("document.activeElement.getAttribute('role')") == "dialog"
    await clean(page)
    await page.get_by_label("市民へのメモ").fill("埋めました")
    await page.get_by_role("button", name="送る").click()
    await page.get_by_role("dialog").wait_for(state="detached")
    await desk.slack.chat_postMessage(channel=channel, text="新しいカード")
    await page.get_by_text("新しいカード").wait_for()


@browser_only
async def test_enter_in_a_field_sends_the_form_and_never_presses_the_x(desk: Desk) -> None:
    await desk.open(ONE_LINE)
    await clean(desk.page)
    await desk.page.get_by_label("事由").fill("重複")
    await desk.page.keyboard.press("Enter")
    sent = await desk.heard("view_submission")
    assert child(child(child(sent, "view"), "state"), "values")["why"] == {
        "words": {"type": "plain_text_input", "value": "重複"}
    }
    await desk.page.get_by_role("dialog").wait_for(state="detached")
    await desk.open(NOTHING_TO_SEND)
    default = desk.page.locator("[role=dialog] form button").first
    assert (await default.get_attribute("value"), await default.is_disabled()) == ("submit", True)
