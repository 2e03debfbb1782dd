"""Take the pictures of the README anew: `make pictures`, while the stack of `make up` runs."""

import asyncio
import os
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.chromium import launched
from tests.city import ROOT, City, ResidentAtPhone, visit
from tests.story import OFFICER_HAKATA, Filing, file_report, photo, submit

FOLDER = ROOT / "docs" / "images"
WORDS = "歩道に大きな穴があいています。昨日、自転車の人が転びそうになりました。"
QUESTION = "穴の大きさは、だいたい何センチくらいでしょうか。"
ANSWER = "30センチくらいです。バス停のすぐ前です。"
NOTE = "本日、穴をふさぎました。ご連絡ありがとうございました。"


async def main() -> None:
    """One report from the first word to the office's answer, seen from both sides."""
    state = Path(os.environ.get("MACHI_STATE_DIR", ROOT / ".machi"))
    async with visit(state) as city, launched() as browser:
        resident = await city.resident()
        number = await file_report(resident, Filing(words=WORDS, photos=(photo(),)))
        await _worked(city, number, resident)
        card = await city.card(number)
        await _take(browser, f"{city.simulator.url}/phone?user={resident.user}", "phone", (420, 1300))
        url = f"{city.simulator.url}/workspace?user={OFFICER_HAKATA}&channel={card.channel}&thread={card.ts}"
        await _take(browser, url, "workspace", (1100, 900))


async def _worked(city: City, number: str, resident: ResidentAtPhone) -> None:
    card = await city.card(number)
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, card, "ask", words=QUESTION)
    await resident.hears(before)
    await city.simulator.line.say(resident.user, ANSWER)

    async def answered() -> bool:
        return any(ANSWER in each for each in await city.thread(card))

    await city.until(answered, 15, "the answer did not reach the thread")
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words=NOTE)
    await resident.hears(before)


async def _take(browser: Browser, url: str, name: str, size: tuple[int, int]) -> None:
    page = await browser.new_page(viewport={"width": size[0], "height": size[1]}, device_scale_factor=1.5)
    await page.goto(url)
    await expect(page.get_by_text(ANSWER).last).to_be_visible()
    await page.screenshot(path=FOLDER / f"{name}.png")
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
