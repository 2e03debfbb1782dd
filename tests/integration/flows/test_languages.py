"""The same story in every language the city offers, on both channels: nothing machine-like, cut off, or foreign."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import yaml

from machi.identity.v1 import staff_service_pb2 as staff
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceStub
from machi_sdk.language import known
from machi_sdk.manifest import DialogueEntry, load_manifest
from machi_sdk.rpc import Peers
from machi_sdk.texts import Texts, pick
from machi_simulator.slack.model import SlackMessage
from machi_tools.operator import DEADLINE, operator_of
from machi_tools.stack.layout import Layout
from machi_tools.stack.plan import SEEDS, TENANT, offered_languages
from tests.city import City, ResidentAtPhone, visit
from tests.direct import resident_on_slack
from tests.machine_like import machine_like, read_in
from tests.story import HAKATA, LEAD, STRANGER, number_in, submit

pytestmark = [pytest.mark.integration, pytest.mark.stack, pytest.mark.usefixtures("desks")]
ROOT = Path(__file__).resolve().parents[3]
REPORTS = ROOT / "services" / "reports"
LANGUAGES = tuple(offered_languages(TENANT))
CASES = Texts(REPORTS / "src" / "machi_reports" / "texts")
CONTROLS = Texts(ROOT / "libs" / "common" / "src" / "machi_sdk" / "dialogue" / "texts")
GREETING = Texts(ROOT / "services" / "identity" / "src" / "machi_identity" / "texts")
NEWS = Texts(ROOT / "services" / "notifications" / "src" / "machi_notifications" / "templates")
CATALOGUE = yaml.safe_load((REPORTS / "seeds" / TENANT / "catalogue.yaml").read_text(encoding="utf-8"))
# One desk speaks each language, so that its cards and forms are read in it, too.
DESKS = {
    "light": "lighting",
    "park": "parks",
    "waste": "waste",
    "water": "water",
    "other": "front",
    "road": "roads-hakata",
}
KINDS = dict(zip(LANGUAGES, DESKS, strict=False))
CITY = yaml.safe_load((SEEDS / TENANT / "city.yaml").read_text(encoding="utf-8"))
# What readers of every language see: officers' names, languages by their own, and the question for the language.
ANYBODYS = (
    *(person["name"] for person in CITY["staff"]),
    *(GREETING.say(tag, "language.choose") for tag in LANGUAGES),
    *(one.name for one in known().values()),
)
TOKYO = (35.6812, 139.7671)
READING = re.compile("[\u3400-\u9fff]+（[\u3041-\u3096]+）")  # plain Japanese: 下（した）
SCRIPTS = {
    "kana": re.compile("[\u3041-\u3096\u30a1-\u30fa]"),
    "Han": re.compile("[\u3400-\u9fff]"),
    "Hangul": re.compile("[\uac00-\ud7a3]"),
}


@dataclass
class Told:
    """Everything a language's readers were shown, on either channel."""

    language: str
    words: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def add(self, content: object) -> None:
        """Take in a message's content."""
        self.words += read_in(content)
        self.labels += _labels(content)


def _labels(content: object) -> Iterator[str]:
    if isinstance(content, dict):
        yield from [content["label"]] if isinstance(content.get("label"), str) else []
        shown = content.get("text")
        yield from [shown["text"]] if content.get("type") == "button" and isinstance(shown, dict) else []
        yield from (label for value in content.values() for label in _labels(value))
    elif isinstance(content, list):
        yield from (label for each in content for label in _labels(each))


def dialogue(command: str) -> DialogueEntry:
    """A dialogue of any manifest."""
    manifests = (load_manifest(path) for path in sorted(ROOT.glob("services/*/service.yaml")))
    return next(entry for each in manifests for entry in each.dialogues if entry.command == command)


def category(code: str) -> dict[str, object]:
    """A kind of report."""
    return next(entry for entry in CATALOGUE["categories"] if entry["code"] == code)


@pytest.fixture(scope="module")
def desks(stack: Path) -> Iterator[None]:
    """One desk speaks each language; afterwards as it was."""
    before = asyncio.run(_let_speak(stack, {DESKS[kind]: language for language, kind in KINDS.items()}))
    yield
    asyncio.run(_let_speak(stack, before))


async def _let_speak(stack: Path, languages: dict[str, str]) -> dict[str, str]:
    """Put the desks' languages, and start what remembers desks anew; returns what they spoke before."""
    before: dict[str, str] = {}

    async def ask(peers: Peers, tenant: tuple[tuple[str, str], ...]) -> None:
        stub = StaffServiceStub(peers.channel("identity"))
        for desk in (await stub.ListDesks(staff.ListDesksRequest(), timeout=DEADLINE, metadata=tenant)).desks:
            if desk.desk_id in languages:
                before[desk.desk_id] = desk.language
                desk.language = languages[desk.desk_id]
                await stub.PutDesk(staff.PutDeskRequest(desk=desk), timeout=DEADLINE, metadata=tenant)

    await operator_of(Layout(ROOT, stack)).ask(ask)
    async with visit(stack) as city:
        await city.restart("channel-slack")
    return before


@dataclass(frozen=True)
class Reader:
    """A resident who reads one language, and that language's words. The one officer fills in one form at a time."""

    resident: ResidentAtPhone
    language: str
    forms: asyncio.Lock

    def say(self, key: str) -> str:
        """What reports says."""
        return CASES.say(self.language, key)

    async def opens(self, command: str) -> str:
        """Open a dialogue by a word of this language."""
        return await self.resident.say(dialogue(command).keywords[self.language][0])

    async def control(self, name: str) -> str:
        """Press back, cancel, help, or skip."""
        return await self.resident.press(CONTROLS.say(self.language, f"controls.{name}.label"))

    async def reports(self, kind: str, detail: int = 0) -> str:
        """Report something of a kind, up to the question for the place."""
        await self.opens("report")
        labels = cast("dict[str, str]", category(kind)["labels"])
        answer = await self.resident.press(labels[self.language])
        for question in cast("list[dict[str, list[dict[str, dict[str, str]]]]]", category(kind).get("questions", [])):
            answer = await self.resident.press(question["options"][detail]["labels"][self.language])
        return answer

    async def files(self, kind: str) -> str:
        """Report it to the end, after every wrong turn; returns the case number."""
        await self.reports(kind, detail=1)
        await self.resident.say(self.say("report.here-words").split("|")[0])
        await self.resident.locate(*TOKYO)
        await self.resident.does(lambda: self.resident.city.simulator.line.stick(self.resident.user))
        await self.resident.locate(*HAKATA)
        await self.control("help")
        await self.control("skip")
        asked = await self.resident.say(self.say("report.words"))
        if self.say("report.messages-yes") in asked:
            await self.resident.press(self.say("report.messages-yes"))
        await self.resident.press(self.say("report.confirm-change"))
        await self.resident.press(self.say("fact.words"))
        await self.resident.say(self.say("report.words"))
        return number_in(await self.resident.press(self.say("report.confirm-yes")))


async def test_a_whole_story_in_every_language(city: City) -> None:
    forms = asyncio.Lock()
    told = await asyncio.gather(*(_story(city, language, forms) for language in LANGUAGES))
    for each in told:
        assert len(each.words) > 100
        assert not [found for words in each.words for found in machine_like(words)], each.language
        assert not [label for label in each.labels if label.endswith("…")], each.language
        assert not [found for words in each.words for found in foreign(words, each.language)]


async def _story(city: City, language: str, forms: asyncio.Lock) -> Told:
    reader = Reader(await city.resident(known()[language].name), language, forms)
    greeted = await reader.resident.last()
    told = Told(language)
    await _wanders(reader)
    number = await reader.files(KINDS[language])
    await _desk_works(city, reader, number, told)
    await _stops_and_starts(reader)
    for message in await city.simulator.line.heard(reader.resident.user, greeted):
        told.add(message.content)
    await _hands_over(city, reader, told)
    await _writes_on_slack(city, language, told)
    return told


async def _wanders(reader: Reader) -> None:
    """Nothing understood, help, an urgent kind given up, cases before there are any."""
    await reader.resident.say("???")
    await reader.resident.say(dialogue("report").hints[reader.language][0])
    await reader.resident.press(GREETING.say(reader.language, "help.likely-other"))
    await reader.resident.does(lambda: reader.resident.city.simulator.line.stick(reader.resident.user))
    await reader.opens("help")
    await reader.opens("cases")
    urgent = await reader.reports("road")
    assert known()[reader.language].phone("092-000-0199", "81") in urgent
    await reader.control("cancel")
    await reader.opens("language")
    await reader.resident.press(known()[reader.language].name)


async def _desk_works(city: City, reader: Reader, number: str, told: Told) -> None:
    resident, slack = reader.resident, city.simulator.slack
    before = await resident.last()
    card = await city.card(number)
    presses = await asyncio.gather(*(slack.press(LEAD, card, "acknowledge") for _ in range(2)))
    assert all(press.ok for press in presses)  # the second one is told who was first
    assert number in await resident.hears(before)
    for action, words in (("ask", "report.place"), ("resolve", "report.confirm")):
        before = await resident.last()
        async with reader.forms:
            await _reads_form(city, card, action, told)
            await submit(city, LEAD, await city.card(number), action, words=reader.say(words))
        assert reader.say(words) in await resident.hears(before)
        if action == "ask":
            await resident.say(reader.say("report.photo"))
    await resident.press("★5")
    await reader.opens("cases")
    await resident.press(reader.say("cases.reopen"))
    before = await resident.last()
    await resident.say(reader.say("report.words"))
    await _until_on_card(city, number, reader.say("state.reopened"))
    async with reader.forms:
        await _reads_form(city, card, "reject", told)
        await submit(city, LEAD, await city.card(number), "reject", words=reader.say("report.dropped"))
    await city.until(lambda: _heard(resident, before, NEWS.say(reader.language, "ReportRejected.title")))
    await _until_on_card(city, number, reader.say("state.rejected"))
    await _reads_channel(city, card, told)


async def _heard(resident: ResidentAtPhone, after: str, words: str) -> bool:
    heard = await resident.city.simulator.line.heard(resident.user, after)
    return any(words in read for message in heard for read in read_in(message.content))


async def _until_on_card(city: City, number: str, words: str) -> None:
    async def shown() -> bool:
        return words in "\n".join(read_in((await city.card(number)).blocks))

    await city.until(shown, what=f"{words} did not reach the card")


async def _reads_form(city: City, card: SlackMessage, action: str, told: Told) -> None:
    slack = city.simulator.slack
    await slack.press(LEAD, card, action)
    await city.until(lambda: slack.views(LEAD), what="no form opened")
    (view,) = await slack.views(LEAD)
    told.add(view.content)
    await slack.close(LEAD, view)


async def _reads_channel(city: City, card: SlackMessage, told: Told) -> None:
    """The card as it stands, its thread, what was whispered; to a stranger more than one language is spoken."""
    for message in await city.simulator.slack.messages(card.channel):
        if card.ts in (message.ts, message.thread_ts) and message.seen_by != STRANGER:
            told.add([message.text, {"text": message.text}, message.blocks])


async def _stops_and_starts(reader: Reader) -> None:
    for _ in range(2):
        await reader.opens("privacy")
    await reader.opens("messages")
    await reader.resident.press(GREETING.say(reader.language, "messages.yes"))
    await reader.opens("messages")


async def _hands_over(city: City, reader: Reader, told: Told) -> None:
    number = await reader.files(KINDS[reader.language])
    card = await city.card(number)
    async with reader.forms:
        await _reads_form(city, card, "handover", told)
        await submit(city, LEAD, card, "handover", option="roads-nishi", words=reader.say("report.words"))

    async def moved() -> SlackMessage | None:
        cards = [each for each in await city.cards(number) if each.channel == card.channel]
        title = next(desk["titles"] for desk in CATALOGUE["desks"] if desk["desk_id"] == "roads-nishi")
        return next((each for each in cards if pick(title, reader.language) in "\n".join(read_in(each.blocks))), None)

    shown = await city.until(moved, what="the card did not say where it went")
    assert shown is not None
    told.add(shown.blocks)


async def _writes_on_slack(city: City, language: str, told: Told) -> None:
    """The same report in a direct message: the pod does not know which channel it is."""
    resident = await resident_on_slack(city, f"U0LANG{language.replace('-', '').upper()}")
    await resident.say(known()[language].name)
    await resident.command(dialogue("report").keywords[language][0])
    kind = category(KINDS[language])
    labels, questions = cast("dict[str, str]", kind["labels"]), cast("list[object]", kind.get("questions", []))
    await resident.press(labels[language])
    for _ in questions:
        await resident.say("1")
    await resident.say(CATALOGUE["ward_names"]["40132"][language][0])
    await resident.say(CONTROLS.say(language, "controls.skip.label"))
    await resident.say(CASES.say(language, "report.words"))
    await resident.press(CASES.say(language, "report.messages-yes"))
    number = number_in(await resident.press(CASES.say(language, "report.confirm-yes")))
    assert number in await resident.say(dialogue("cases").keywords[language][0])
    for message in (await city.simulator.slack.heard(resident.user))[1:]:
        told.add([{"text": message.text}, message.blocks])


def foreign(words: str, language: str) -> list[str]:
    """Letters of scripts that the language's own texts do not have; names of languages and of officers left out."""
    own = "\n".join(CASES.say(language, key) for key in CASES.keys(language))
    for each in sorted(ANYBODYS, key=len, reverse=True):  # the longer name first: one holds another
        words = words.replace(each, "")
    words = READING.sub("", words)
    found = {name: pattern for name, pattern in SCRIPTS.items() if pattern.search(words) and not pattern.search(own)}
    return [f"{name} in {words!r}" for name in found]


async def test_a_language_typed_at_the_greeting_is_not_asked_for_again(city: City) -> None:
    line, language = city.simulator.line, LANGUAGES[-1]
    resident = ResidentAtPhone(city, await line.create())
    assert GREETING.say(language, "language.choose") in await resident.does(lambda: line.follow(resident.user))
    answer = await resident.say(known()[language].name)
    assert GREETING.say(language, "language.done") in answer
    assert GREETING.say(language, "language.choose") not in answer


async def test_strangers_are_told_in_a_language_they_may_read(city: City) -> None:
    resident = await city.resident()
    reader = Reader(resident, LANGUAGES[0], asyncio.Lock())
    card = await city.card(await reader.files(KINDS[LANGUAGES[0]]))
    await city.simulator.slack.add_user(STRANGER, "よその人")
    await city.simulator.slack.press(STRANGER, card, "acknowledge")

    async def told() -> list[str]:
        messages = await city.simulator.slack.messages(card.channel)
        return [words for message in messages if message.seen_by == STRANGER for words in read_in(message.blocks)]

    assert "You are not registered staff" in "\n".join(await city.until(told, what="the stranger was told nothing"))
