"""Whatever a resident writes arrives whole on the card: through LINE, Kafka, PostgreSQL, gRPC, and Slack.

Each pod's own tests take every string of the list alone; here all of them travel the whole way, many to a report, and
one of each sort alone. The empty string is left out: LINE sends no empty text.
"""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.architecture.house import ROOT
from tests.city import City, ResidentAtPhone, words_of
from tests.story import number_in

pytestmark = [pytest.mark.integration, pytest.mark.stack]
LIST = ROOT / "services" / "reports" / "tests" / "data" / "blns.json"
MOST = 2000
WARDS = ("東区", "博多区", "中央区", "南区", "西区", "城南区", "早良区")
ALONE = {
    "a word that skips other questions": "None",
    "a number, which answers other questions": "1",
    "yes, which answers the next question": "はい",
    "right to left": "مرحبا \u202eabc\u202c שלום",
    "piled marks": "Z\u0351\u036b\u0343a\u0365\u0346l\u0368\u0342g\u0362o\u0321",
    "emoji of several parts": "👩‍👩‍👧‍👦 🏳️‍🌈 🇯🇵 👍🏿",
    "control signs": "a\x01\x07\x08\x1b[31mb\x7f\x85",
    "invisible signs": "\ufeffa\u200bb\u2060\u2028c",
    "HTML": "<script>alert('x')</script><img src=x onerror=alert(1)>",
    "Slack's own markup": "<!channel> <@U0ROADS01> <https://example.org|here> *b* _i_ ~s~ `c` :smile:\n> q\n```p```",
    "escapes": "&amp; &lt;b&gt; & < > &#39; %26 \\u0026",
    "templates": "{words} %s %(x)s ${x} {{7*7}} #{x}",
    "lines and space": "  a\r\n\n\tb  \n　c　",
    "as long as it may be": "長" * MOST,
    "a case number": "FK-7K3M-9Q2D",
    "rare ideographs": "𠮷野家 髙島屋 﨑 葛󠄀",
}


def batches(strings: list[str]) -> Iterator[str]:
    """The strings, as many to a text as a report takes, a line each."""
    batch: list[str] = []
    for text in strings:
        if sum(map(len, batch)) + len(batch) + len(text) > MOST:
            yield "\n".join(batch)
            batch = []
        batch.append(text)
    yield "\n".join(batch)


async def to_words(resident: ResidentAtPhone, ward: str) -> None:
    """Walk the dialogue up to the question for words."""
    for words in ("通報", "1", "1", ward):
        await resident.say(words)
    assert "文字で教えて" in await resident.say("スキップ")


async def file_words(city: City, ward: str, words: str) -> tuple[str, str]:
    """A new resident reports these words; returns the case number and them."""
    resident = await city.resident()
    await to_words(resident, ward)
    await resident.say(words)
    await resident.press("はい、受け取る")
    return number_in(await resident.press("送る", 30)), words


async def shown(city: City, numbers: set[str]) -> dict[str, str]:
    """What the cards of these cases quote, once all of them are there."""
    found: dict[str, str] = {}

    async def look() -> bool:
        for channel in await city.simulator.slack.channels():
            for message in await city.simulator.slack.messages(channel.id):
                seen = words_of(message)
                found.update({each: quoted(message.blocks) for each in numbers if f" {each}\n" in seen})
        return numbers <= found.keys()

    await city.until(look, what="some cards are missing")
    return found


def quoted(node: object) -> str:
    """The text of every quotation among a message's blocks, exactly as it was sent."""
    if isinstance(node, list):
        return "".join(map(quoted, node))
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "rich_text_quote":
        return "".join(str(each["text"]) for each in node["elements"])
    return quoted(node.get("elements", []))


async def arrive_whole(city: City, texts: list[str]) -> None:
    """File each text and compare it with its card."""
    refused_before = len(await city.simulator.refused())
    lanes = [file_words(city, WARDS[at % len(WARDS)], text) for at, text in enumerate(texts)]
    filed = dict(await asyncio.gather(*lanes))
    assert await shown(city, set(filed)) == filed
    assert [(call.path, call.reason) for call in (await city.simulator.refused())[refused_before:]] == []


async def test_every_string_of_the_list_arrives(city: City) -> None:
    strings = [text for text in json.loads(LIST.read_text(encoding="utf-8")) if text]
    texts = list(batches(strings))
    assert sum(text.count("\n") for text in texts) >= len(strings) - len(texts)
    await arrive_whole(city, texts)


async def test_one_of_each_sort_arrives_alone(city: City) -> None:
    await arrive_whole(city, list(ALONE.values()))


async def test_what_is_no_report_is_said_at_once(city: City) -> None:
    resident = await city.resident()
    await to_words(resident, "博多区")
    assert "長すぎます" in await resident.say("長" * (MOST + 1))
    for blank in (" ", "\u3000", "\u200b", "\u3164"):
        assert "文字で送って" in await resident.say(blank), "the desk would see nothing"
    assert "文字で教えて" in await resident.say("ヘルプ"), "a command is a command, also where words are asked for"
    await resident.say("a\0b")
    await resident.press("はい、受け取る")
    number = number_in(await resident.press("送る"))
    assert await shown(city, {number}) == {number: "a\ufffdb"}, "no database keeps a NUL: it is replaced, and seen"
