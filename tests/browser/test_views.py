"""The views as people use them, in a real browser, on the running city."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.browser.chromium import CHROMIUM, launched
from tests.city import City, ResidentAtPhone
from tests.story import OFFICER_HAKATA, Filing, file_report, number_in, photo

PATIENCE = 15_000
MOST_TABS = 120
JAPANESE = "ja-JP"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as chromium:
        yield chromium


async def accessible(page: Page) -> None:
    found = await Axe().run(page)
    assert found.response["violations"] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def tab_to(page: Page, name: str) -> None:
    """Press Tab, and nothing else, until what has this name has the focus."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        found = "(({ariaLabel, textContent}) => (ariaLabel || textContent).trim())(document.activeElement)"
        if await page.evaluate(found) == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


async def enter(page: Page, name: str) -> None:
    """Reach by Tab what has this name, once it is there, and press Enter."""
    await expect(page.locator("button, a, summary").filter(has_text=name).last).to_be_attached(timeout=PATIENCE)
    await tab_to(page, name)
    await page.keyboard.press("Enter")


async def test_a_resident_reports_by_keyboard_alone(city: City, browser: Browser) -> None:
    user = await city.simulator.line.create()
    resident = ResidentAtPhone(city, user)
    page = await browser.new_page(viewport={"width": 320, "height": 720}, locale=JAPANESE)
    await page.goto(f"{city.simulator.url}/phone?user={user}")
    await enter(page, "友だちに追加")
    await enter(page, "日本語")
    await enter(page, "通報する")
    await enter(page, "道路・歩道")
    await enter(page, "穴・ひび割れ")
    await page.locator("#quick-0 a[data-opens=place-0]").wait_for(timeout=PATIENCE)
    await accessible(page)
    await tab_to(page, (await page.locator("#quick-0 a[data-opens=place-0]").inner_text()).strip())
    await page.keyboard.press("Enter")
    for key in ("ArrowDown", "ArrowLeft", "+", "ArrowLeft"):
        await page.keyboard.press(key)
    assert "区" in await page.locator("#map-said-0").inner_text()
    await page.keyboard.press("Enter")
    before = await resident.last()
    await page.keyboard.press("Enter")
    await resident.hears(before)
    await enter(page, "スキップ")
    await expect(page.get_by_text("文字で教えて").last).to_be_visible(timeout=PATIENCE)
    await tab_to_box(page)
    await page.keyboard.type("歩道に穴があいています。")
    await page.keyboard.press("Enter")
    await enter(page, "はい、受け取る")
    await page.locator("#chat-0").get_by_role("button", name="送る", exact=True).wait_for(timeout=PATIENCE)
    before = await resident.last()
    await tab_to(page, "送る")
    await page.keyboard.press("Enter")
    number = number_in(await resident.hears(before))
    await expect(page.get_by_text(number).last).to_be_visible(timeout=PATIENCE)
    assert await page.evaluate("Boolean(document.activeElement.closest('#device-0'))")


async def tab_to_box(page: Page) -> None:
    """Reach the message box by Tab."""
    for _ in range(MOST_TABS):
        if await page.evaluate("document.activeElement.id") == "text-0":
            return
        await page.keyboard.press("Tab")
    raise AssertionError("the message box is not reached by Tab")


async def test_an_officer_works_a_card_by_keyboard(city: City, browser: Browser) -> None:
    resident = await city.resident()
    words = "橋の手すりが <折れて> います & 危険です"
    number = await file_report(resident, Filing(words=words))
    card = await city.card(number)
    before = await resident.last()
    page = await browser.new_page(viewport={"width": 1100, "height": 800})
    await page.goto(f"{city.simulator.url}/workspace?user={OFFICER_HAKATA}&channel={card.channel}")
    await expect(page.get_by_text(words).last).to_be_visible(timeout=PATIENCE)
    await accessible(page)
    button = page.get_by_role("button", name="対応を始める").last
    await button.focus()
    await page.keyboard.press("Enter")
    assert number in await resident.hears(before)
    await expect(page.get_by_text("対応中").last).to_be_visible(timeout=PATIENCE)
    # The button is gone, and the person is still at the card.
    assert await page.evaluate("Boolean(document.activeElement.closest('#messages > li'))")


@dataclass(frozen=True)
class Plain:
    """A phone's page without scripts: read anew before each act."""

    page: Page
    address: str
    resident: ResidentAtPhone

    async def act(self, where: str, name: str) -> str:
        """Press the last button of this name in a part of the page as it is; the account's answer."""
        before = await self.resident.last()
        await self.page.locator(where).get_by_role("button", name=name, exact=True).last.click()
        return await self.resident.hears(before)

    async def press(self, name: str) -> str:
        """Press a button of the chat, its chips, or the menu."""
        await self.page.goto(self.address)
        return await self.act("#quick-0, #chat-0, #menu-0", name)

    async def open(self, tray: str) -> None:
        """Follow the chip that asks for a place or a photo."""
        await self.page.goto(self.address)
        await self.page.locator(f"#quick-0 a[data-opens={tray}-0]").click()


async def test_a_report_is_made_without_scripts(city: City, browser: Browser) -> None:
    resident = await city.resident()
    context = await browser.new_context(java_script_enabled=False, locale=JAPANESE)
    page = await context.new_page()
    phone = Plain(page, f"{city.simulator.url}/phone/?user={resident.user}", resident)
    for name in ("通報する", "道路・歩道", "穴・ひび割れ"):
        await phone.press(name)
    await phone.open("place")
    await page.get_by_role("link", name="拡大").click()
    await page.locator("input.map").click(position={"x": 140, "y": 150})
    await phone.act("#place-0", "位置を送る")
    await phone.open("camera")
    sent: FilePayload = {"name": "hole.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    await page.set_input_files("#camera-file-0", sent)
    await phone.act("#camera-0", "写真を送る")
    await phone.press("次へ")
    await page.goto(phone.address)
    await page.fill("#text-0", "歩道に穴があいています。")
    await phone.act("form.write", "送る")
    await phone.press("はい、受け取る")
    number = number_in(await phone.press("送る"))
    await page.reload()
    await expect(page.get_by_text(number).last).to_be_visible()
    await context.close()


async def test_the_last_messages_hops_are_seen_as_they_happen(city: City, browser: Browser) -> None:
    endpoint = f"http://{await city.simulator.traces_address()}"
    pods = ("channel-line", "identity", "reports")
    resident = await city.resident()
    page = await browser.new_page(viewport={"width": 1100, "height": 900}, locale=JAPANESE)
    try:
        await asyncio.gather(
            *(city.restart(pod, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="200") for pod in pods)
        )
        await page.goto(f"{city.simulator.url}/timeline?user={resident.user}")
        await resident.say("通報")
        for step in ("Webhookを受ける", "Kafkaを通る", "だれかを確かめる", "対話の一歩", "返事を送る"):
            await expect(page.get_by_role("rowheader", name=step).first).to_be_visible(timeout=PATIENCE)
        await accessible(page)
    finally:
        await asyncio.gather(*(city.restart(pod) for pod in pods))


async def test_a_fault_is_switched_on_and_off_in_the_view(city: City, browser: Browser) -> None:
    resident = await city.resident()
    page = await browser.new_page(viewport={"width": 1100, "height": 900}, locale=JAPANESE)
    await page.goto(f"{city.simulator.url}/phones?user={resident.user}")
    switch = page.get_by_role("button", name="Webhookが二度届く")
    await switch.click()
    await expect(switch).to_have_attribute("aria-pressed", "true")
    await expect(switch).to_be_focused()
    # Twice on the way is once for the person.
    answer = await resident.say("通報")
    assert answer.count("何を") <= 1
    await page.get_by_role("button", name="すべて元に戻す").click()
    await expect(switch).to_have_attribute("aria-pressed", "false")
