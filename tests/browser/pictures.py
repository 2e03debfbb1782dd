"""Take the pictures of the README anew: `make pictures`, while the stack of `make up` runs."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import launched
from tests.city import ROOT, City, ResidentAtPhone, visit
from tests.story import OFFICER_HAKATA, Filing, file_report, photo, submit

FOLDER = ROOT / "docs" / "images"
Look = Callable[[Page, Path], Awaitable[None]]
VISITOR = ("Report a problem", "Road or pavement", "Hole or crack")
WORDS = "歩道に大きな穴があいています。昨日、自転車の人が転びそうになりました。"
QUESTION = "穴の大きさは、だいたい何センチくらいでしょうか。"
ANSWER = "30センチくらいです。バス停のすぐ前です。"
NOTE = "本日、穴をふさぎました。ご連絡ありがとうございました。"


async def main() -> None:
    """One report from the first word to the office's answer, seen from both sides, and a second resident beside."""
    state = Path(os.environ.get("MACHI_STATE_DIR", ROOT / ".machi"))
    async with visit(state) as city, launched() as browser:
        resident, visitor = await city.resident(), await city.resident("English")
        number = await file_report(resident, Filing(words=WORDS, photos=(photo(),)))
        await _worked(city, number, resident)
        for word in VISITOR:
            await visitor.press(word)
        card = await city.card(number)
        site = city.simulator.url
        office = f"user={OFFICER_HAKATA}&channel={card.channel}&thread={card.ts}"
        both = f"user={resident.user}&user={visitor.user}&channel={card.channel}"
        await _take(browser, f"{site}/phone/?user={resident.user}", "phone", (420, 900), _phone)
        await _take(browser, f"{site}/workspace/?{office}", "workspace", (1280, 820), _whole)
        await _take(browser, f"{site}/phones/?{both}", "phones", (1440, 900), _pinned)
        await _take(browser, f"{site}/timeline/?user={resident.user}", "timeline", (1100, 900), _hops)


async def _worked(city: City, number: str, resident: ResidentAtPhone) -> None:
    card = await city.card(number)
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, card, "ask", words=QUESTION)
    await resident.hears(before)
    await city.simulator.line.say(resident.user, ANSWER)

    async def answered() -> bool:
        return any(ANSWER in each for each in await city.thread(card))

    await city.until(answered, what="the answer did not reach the thread")
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words=NOTE)
    await resident.hears(before)


async def _take(browser: Browser, url: str, name: str, size: tuple[int, int], look: Look) -> None:
    width, height = size
    page = await browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=1.5, locale="ja-JP", reduced_motion="reduce"
    )
    await page.goto(url)
    await look(page, FOLDER / f"{name}.png")
    await page.close()


async def _phone(page: Page, path: Path) -> None:
    """The phone alone, as high as a phone is, its menu folded."""
    await page.locator("#menu-0 > summary").click()
    await page.locator("#log-0").evaluate("log => log.scrollTop = log.scrollHeight")
    await page.locator("#device-0 .screen").screenshot(path=path)


async def _whole(page: Page, path: Path) -> None:
    await expect(page.get_by_text(ANSWER).last).to_be_visible()
    await page.screenshot(path=path)


async def _pinned(page: Page, path: Path) -> None:
    """The visitor puts a pin."""
    await page.locator("#quick-1 a[data-opens=place-1]").click()
    for key in ("ArrowRight",) * 12:
        await page.keyboard.press(key)
    await page.mouse.move(0, 0)
    await page.screenshot(path=path)


async def _hops(page: Page, path: Path) -> None:
    await expect(page.locator("#hop-rows .step-reply").first).to_be_attached()
    await page.locator("#hops").screenshot(path=path)


if __name__ == "__main__":
    asyncio.run(main())
