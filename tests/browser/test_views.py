"""Both views as people use them, in a real browser, on the running city."""

from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import CHROMIUM, launched
from tests.city import City
from tests.story import OFFICER_HAKATA, Filing, file_report

PATIENCE = 15_000
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


async def test_a_resident_reports_from_the_phone_view(city: City, browser: Browser) -> None:
    user = await city.simulator.line.create()
    page = await browser.new_page(viewport={"width": 320, "height": 720})
    await page.goto(f"{city.simulator.url}/phone?user={user}")
    await page.get_by_role("button", name="Add the account").click()
    await page.get_by_role("button", name="日本語", exact=True).first.click(timeout=PATIENCE)
    await page.get_by_role("button", name="通報する").first.click(timeout=PATIENCE)
    await page.get_by_role("button", name="道路・歩道").first.click(timeout=PATIENCE)
    await expect(page.get_by_text("どのような状態ですか").last).to_be_visible(timeout=PATIENCE)
    await accessible(page)


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
    button = page.get_by_role("button", name="受け付ける").last
    await button.focus()
    await page.keyboard.press("Enter")
    assert number in await resident.hears(before)
    await expect(page.get_by_text("対応中").last).to_be_visible(timeout=PATIENCE)


async def test_the_phone_view_works_without_scripts(city: City, browser: Browser) -> None:
    resident = await city.resident()
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{city.simulator.url}/phone?user={resident.user}")
    before = await resident.last()
    await page.get_by_role("button", name="自分の通報").first.click()
    assert "まだ通報はありません" in await resident.hears(before)
    await page.reload()
    await expect(page.get_by_text("まだ通報はありません").last).to_be_visible()
    await context.close()
