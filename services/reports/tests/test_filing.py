"""A resident files a report: real rpc, real PostgreSQL."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from google.protobuf.message import Message

from machi.consent.v1 import consent_service_pb2 as consent
from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi.reports.v1.events_pb2 import ReportFiled
from machi.reports.v1.report_service_pb2 import PutCatalogueRequest
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.consents import RpcConsents, present_notice
from machi_reports.adapters.ward_map import PolygonWardMap
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.domain.case_number import read_case_number
from machi_reports.entrypoints.dialogues.cases import MOST_SHOWN
from machi_reports.entrypoints.dialogues.report import ReportDialogue
from machi_reports.entrypoints.turns import catalogue_first
from machi_reports.entrypoints.wording import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import DialogueKit
from machi_sdk.errors import Unavailable
from machi_sdk.names import says_something
from machi_sdk.rpc import for_tenant
from machi_sdk.service import Pod

if TYPE_CHECKING:
    from machi.reports.v1.report_service_pb2_grpc import ReportServiceAsyncStub

pytestmark = pytest.mark.integration
Say = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[Message]]]
TENJIN, SEA = (33.5903, 130.3989), (33.70, 130.20)
BLNS = Path(__file__).parent / "data" / "blns.json"


class Ledger(Protocol):
    statuses: dict[str, "consent.ConsentStatus.ValueType"]
    decisions: list[consent.DecideRequest]
    notice: int


def facts_of(card: DeskCard) -> dict[str, str]:
    return {fact.label: fact.value for fact in card.facts}


async def test_who_filed_too_many_within_a_day_hears_so_and_files_tomorrow(
    *,
    file_case: FileCase,
    say: Say,
    operator: "ReportServiceAsyncStub",
    city_catalogue: Mapping[str, object],
    clock: ManualClock,
) -> None:
    fewer = json.dumps({**city_catalogue, "reports_a_day": 2})
    await operator.PutCatalogue(PutCatalogueRequest(catalogue_json=fewer), timeout=30, metadata=for_tenant("fukuoka"))
    for _ in range(2):
        await file_case("hana")
        clock.advance(timedelta(hours=1))
    refused = await say("hana", "/report")
    assert "24時間に2件" in refused.messages[0].card.body
    assert refused.messages[0].card.buttons[0].command.command == "cases"
    danger = wire.Open(command="report", arguments={"text": "電線が切れて垂れ下がっています"})
    assert (await say("hana", danger)).messages[-1].link.uri == "tel:+81-92-000-0190", "that does not wait"
    assert await file_case("taro"), "another person's"
    clock.advance(timedelta(hours=22, minutes=1))
    assert await file_case("hana")


async def test_from_the_menu_to_a_case_number(say: Say, ledger: Ledger, outbox: Outbox) -> None:
    keys = []
    for words in ("/report", "=road", "=pothole", TENJIN, "!skip", "歩道に穴があります", "=yes"):
        response = await say("hana", words)
        keys.append(response.ask.key)
    assert keys == ["category", "detail-what", "place", "photo", "words", "messages", "confirm"]
    assert "歩道に穴があります" in response.messages[0].card.body
    done = await say("hana", "=yes")
    receipt = done.messages[0].receipt
    assert done.session_state == wire.SESSION_STATE_ENDED
    assert receipt.label == "受付番号"
    assert re.fullmatch(r"FK-[0-9A-Z]{4}-[0-9A-Z]{4}", receipt.number)
    assert read_case_number(receipt.number) == receipt.number
    [decision] = ledger.decisions
    assert (decision.purpose, decision.status, decision.notice_version) == (
        "reports.case-updates",
        consent.CONSENT_STATUS_GIVEN,
        1,
    )
    filed, announced = await outbox()
    assert isinstance(filed, ReportFiled)
    assert isinstance(announced, CardAnnounced)
    assert (filed.report.case_number, filed.report.ward_code, filed.report.desk_id) == (
        receipt.number,
        "40133",
        "roads-chuo",
    )
    assert (announced.card_id, announced.desk_id, announced.version) == (filed.report.report_id, "roads-chuo", 1)
    assert announced.pod == "reports"


async def test_the_same_event_files_once(say: Say, outbox: Outbox) -> None:
    for words in ("/report", "=other", TENJIN, "!skip", "ことば", "=no"):
        await say("hana", words)
    session = (await say("hana", wire.Resume())).session_id
    first = await say("hana", "=yes", event_id="final")
    again = await say("hana", "はい", event_id="final", session=session)
    assert again == first
    assert sum(isinstance(event, ReportFiled) for event in await outbox()) == 1


@pytest.mark.parametrize("language", TEXTS.languages)
async def test_every_language(say: Say, language: str) -> None:
    for words in ("/report", "=light", "=dark", "1-1 Tenjin, Chuo-ku", "!skip", "It is dark here.", "=no", "=yes"):
        response = await say("hana", words, language=language)
    assert response.messages[0].receipt.label == TEXTS.words("report.number")[language]


async def test_refusing_is_fine_and_is_kept(say: Say, ledger: Ledger, card_of: CardOf) -> None:
    for words in ("/report", "=other", TENJIN, "!skip", "ことば", "=no", "=yes"):
        response = await say("hana", words)
    number = response.messages[0].receipt.number
    assert [decision.status for decision in ledger.decisions] == [consent.CONSENT_STATUS_REFUSED]
    card = await card_of(number, "front")
    assert "届きません（本人の意思）" in facts_of(card).values()
    keys = [(await say("hana", words)).ask.key for words in ("/report", "=other", TENJIN, "!skip", "もう一件")]
    assert keys[-1] == "confirm"
    assert (await say("hana", "/cases", session="")).messages[1].carousel.cards


async def test_a_place_outside_is_told_once_and_then_taken(say: Say, file_case: FileCase, card_of: CardOf) -> None:
    for words in ("/report", "=road", "=pothole"):
        await say("hana", words)
    told = await say("hana", SEA)
    assert (told.ask.key, told.understood) == ("place", False)
    assert "福岡市" in told.messages[0].text.text
    assert (await say("hana", SEA)).ask.key == "photo"
    for words in ("!skip", "沖に何か見えます", "=yes", "=yes"):
        response = await say("hana", words)
    card = await card_of(response.messages[0].receipt.number, "front")
    assert facts_of(card)["区"] == "区域外または不明"
    assert card.map_link.uri == "https://www.google.com/maps?q=33.700000,130.200000"
    other = await file_case("jiro", place="福岡市南区塩原の交差点")
    assert facts_of(await card_of(other, "roads-minami"))["場所"] == "福岡市南区塩原の交差点"


@pytest.mark.parametrize("place", ["33.5903, 130.3989", "穴の前 https://maps.apple.com/?ll=33.5903,130.3989&q=Pin"])
async def test_a_typed_or_pasted_point_has_its_ward(place: str, file_case: FileCase, card_of: CardOf) -> None:
    card = await card_of(await file_case("hana", place=place))
    assert facts_of(card)["区"] == "中央区"
    assert card.map_link.uri == "https://www.google.com/maps?q=33.590300,130.398900"


async def test_words_file_what_a_pin_could_not(say: Say) -> None:
    for words in ("/report", "=road", "=pothole", (35.68, 139.76)):
        response = await say("hana", words)
    assert response.ask.key == "place"
    assert (await say("hana", "中央区の天神交差点")).ask.key == "photo"


async def test_here_means_sending_the_location(say: Say) -> None:
    for words in ("/report", "=other"):
        await say("hana", words)
    told = await say("hana", "ここ")
    assert told.ask.key == "place"
    assert "位置情報" in told.messages[0].text.text


async def test_a_photo_that_is_gone_is_asked_for_again_and_may_be_skipped(say: Say) -> None:
    for words in ("/report", "=other", TENJIN):
        await say("hana", words)
    again = await say("hana", wire.Photo(media_id="unheard-of"))
    assert again.ask.key == "photo"
    assert again.messages
    assert (await say("hana", wire.Unsupported(kind="photo"))).ask.key == "photo"
    assert (await say("hana", "!skip")).ask.key == "words"


async def test_a_danger_told_in_the_words_makes_the_case_urgent(file_case: FileCase, outbox: Outbox) -> None:
    for words in ("歩道に穴があります", "穴からガスのにおいがします"):
        await file_case("hana", words=words)
    await file_case("hana", place="天神、道路が陥没した所")
    assert [event.urgent for event in await outbox() if isinstance(event, CardAnnounced)] == [False, True, True]


async def test_a_danger_told_while_another_report_is_half_told_is_not_lost(say: Say) -> None:
    for words in ("/report", "=light"):
        await say("hana", words)
    told = wire.Open(command="report", arguments={"text": "ガスのにおいがします"})
    assert (await say("hana", told)).ask.key == "~return"
    begun = await say("hana", "=again")
    assert (begun.ask.key, begun.messages[0].link.uri) == ("detail-what", "tel:+81-92-000-0190")


async def test_a_danger_told_after_a_pause_is_not_lost(say: Say, clock: ManualClock) -> None:
    for words in ("/report", "=light"):
        await say("hana", words)
    clock.advance(timedelta(hours=13))
    assert (await say("hana", "電線が切れて垂れ下がっています")).ask.key == "~return"
    begun = await say("hana", "=again")
    assert (begun.ask.key, begun.messages[0].link.uri) == ("detail-what", "tel:+81-92-000-0190")


async def test_saying_no_in_the_end_files_nothing(say: Say, outbox: Outbox) -> None:
    for words in ("/report", "=other", TENJIN, "!skip", "ことば", "=yes", "=no"):
        response = await say("hana", words)
    assert response.session_state == wire.SESSION_STATE_ENDED
    assert await outbox() == []


async def test_back_leads_to_another_answer(say: Say, card_of: CardOf) -> None:
    for undone in ("/report", "=road", "=pothole", "!back", "!back"):
        response = await say("hana", undone)
    assert response.ask.key == "category"
    for words in ("=park", "=tree", TENJIN, "!skip", "枝が落ちそうです", "=yes", "=yes"):
        response = await say("hana", words)
    card = await card_of(response.messages[0].receipt.number, "parks")
    assert facts_of(card)["状態"] == "倒木・枝"


async def test_my_cases(say: Say, file_case: FileCase) -> None:
    assert (await say("hana", "/cases")).messages[0].card.buttons[0].command.command == "report"
    numbers = [await file_case("hana", words=f"{number}件目") for number in range(2)]
    await file_case("jiro")
    response = await say("hana", "/cases")
    assert len(response.messages) == 2
    cards = response.messages[1].carousel.cards
    assert {card.facts[0].value for card in cards} == set(numbers)
    assert {(card.title, card.facts[1].value) for card in cards} == {("道路・歩道", "受付済み")}
    assert response.session_state == wire.SESSION_STATE_UNSPECIFIED


async def test_of_many_cases_those_that_wait_for_the_person_come_first_and_the_rest_is_counted(
    *, say: Say, file_case: FileCase, card_of: CardOf, staff_turn: Say, clock: ManualClock
) -> None:
    numbers = []
    for _ in range(MOST_SHOWN + 2):
        clock.advance(timedelta(minutes=1))
        numbers.append(await file_case("hana"))
    asked, *others, resolved = numbers
    for number, action in ((asked, "ask"), (resolved, "resolve")):
        card = await card_of(number)
        press = wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id=action, values={"words": "ことば"})
        await staff_turn(press)
    _, shown, more = (await say("hana", "/cases")).messages
    expected = [asked, *reversed(others)][:MOST_SHOWN]
    assert [card.facts[0].value for card in shown.carousel.cards] == expected
    assert "2件" in more.card.body
    assert all(
        (card.body, "中央区" in str(card.facts)) == ("歩道に穴があります", True) for card in shown.carousel.cards
    )
    following = wire.Open(command="cases", arguments=dict(more.card.buttons[0].command.arguments))
    _, rest = (await say("hana", following)).messages
    assert [card.facts[0].value for card in rest.carousel.cards] == [others[0], resolved]


async def test_a_closed_case_with_a_question_comes_before_all_without_one(
    *, say: Say, file_case: FileCase, card_of: CardOf, staff_turn: Say, clock: ManualClock
) -> None:
    numbers = []
    for _ in range(MOST_SHOWN + 1):
        clock.advance(timedelta(minutes=1))
        numbers.append(await file_case("hana"))
    for action in ("ask", "resolve", "ask"):
        clock.advance(timedelta(minutes=1))
        card = await card_of(numbers[0])
        press = wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id=action, values={"words": "ことば"})
        await staff_turn(press)
        cards = (await say("hana", "/cases")).messages[1].carousel.cards
        assert (cards[0].facts[0].value == numbers[0]) == (action == "ask"), action
    await say("hana", f"/answer case={numbers[0]}")
    await say("hana", "はい")
    assert (await say("hana", "/cases")).messages[1].carousel.cards[0].facts[0].value == numbers[-1]


@pytest.mark.parametrize("skip", ["20", "9" * 30, "9" * 5000])
async def test_beyond_the_last_case_the_first_ones_are_shown(say: Say, file_case: FileCase, skip: str) -> None:
    number = await file_case("hana")
    cards = (await say("hana", f"/cases skip={skip}")).messages[1].carousel.cards
    assert [card.facts[0].value for card in cards] == [number]


@pytest.mark.parametrize("text", ["None", "なし", "none"])
async def test_a_word_that_skips_elsewhere_is_an_answer_here(say: Say, text: str) -> None:
    for words in ("/report", "=other", "東区", "!skip", text):
        response = await say("hana", words)
    assert response.ask.key == "messages"


async def test_naughty_strings_arrive_whole(say: Say, ledger: Ledger, card_of: CardOf) -> None:
    ledger.statuses["hana"] = consent.CONSENT_STATUS_GIVEN
    naughty = [text for text in json.loads(BLNS.read_text(encoding="utf-8")) if text]
    for text in [*naughty, "x" * 2000, "lines\r\nand\ttabs", "trailing  ", "　全角　"]:
        for words in ("/report", "=other", "東区", "!skip", wire.TextInput(text=text)):
            response = await say("hana", words)
        if not says_something(text):
            assert response.ask.key == "words", "nobody at the desk would see anything"
            await say("hana", "!cancel")
            continue
        assert response.ask.key == "confirm", text
        assert response.messages[0].card.body == text
        done = await say("hana", "=yes")
        assert (await card_of(done.messages[0].receipt.number, "front")).words == text


async def test_what_no_database_holds_is_replaced(file_case: FileCase, card_of: CardOf) -> None:
    number = await file_case("hana", words="a\0b", place="\0天神 中央区")
    card = await card_of(number)
    assert card.words == "a\ufffdb"
    assert facts_of(card)["場所"] == "\ufffd天神 中央区"


async def test_who_stops_messages_before_the_end_is_promised_none(say: Say, ledger: Ledger) -> None:
    for words in ("/report", "=road", "=pothole", (33.5903, 130.3989), "!skip", "穴です"):
        await say("hana", words)
    assert (await say("hana", "=yes")).ask.key == "confirm"
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    told, summary = (await say("hana", "=yes")).messages
    assert "途中で変わりました" in told.text.text
    assert {fact.label: fact.value for fact in summary.card.facts}["お知らせ"] == "受け取らない"
    receipt = (await say("hana", "=yes")).messages[0].receipt
    assert receipt.note.startswith("お知らせは送りません")


async def test_who_turns_messages_on_before_the_end_sees_it_and_gets_them(say: Say, ledger: Ledger) -> None:
    ledger.statuses["hana"] = consent.CONSENT_STATUS_REFUSED
    for words in ("/report", "=road", "=pothole", (33.5903, 130.3989), "!skip", "穴です"):
        response = await say("hana", words)
    assert response.ask.key == "confirm"
    ledger.statuses["hana"] = consent.CONSENT_STATUS_GIVEN
    assert (await say("hana", "=yes")).ask.key == "confirm"
    receipt = (await say("hana", "=yes")).messages[0].receipt
    assert not receipt.note.startswith("お知らせは送りません")


@pytest.mark.parametrize("undone", [("!back", "!cancel"), (wire.Retract(event_id="yes"), "!cancel"), ("!cancel",)])
async def test_who_takes_their_yes_to_messages_back_has_decided_nothing(
    say: Say, ledger: Ledger, undone: tuple[object, ...]
) -> None:
    for words in ("/report", "=road", "=pothole", TENJIN, "!skip", "穴です"):
        await say("hana", words)
    await say("hana", "=yes", event_id="yes")
    for step in undone:
        response = await say("hana", step)
    assert response.session_state == wire.SESSION_STATE_ENDED
    assert ledger.decisions == []


@pytest.mark.parametrize("present", [2, 0], ids=["a newer one", "none"])
async def test_the_last_yes_waits_while_the_notice_is_being_changed(say: Say, ledger: Ledger, present: int) -> None:
    for words in ("/report", "=road", "=pothole", TENJIN, "!skip", "穴です", "=yes"):
        await say("hana", words)
    ledger.notice = present
    with pytest.raises(Unavailable) as refused:
        await say("hana", "=yes", event_id="last")
    assert refused.value.slug == "notice-changing"
    ledger.notice = 1
    assert (await say("hana", "=yes", event_id="last")).messages[0].HasField("receipt")


async def test_the_press_that_waited_is_asked_anew_where_the_new_notice_is_the_pods(
    say: Say, ledger: Ledger, pod: Pod
) -> None:
    for words in ("/report", "=road", "=pothole", TENJIN, "!skip", "穴です", "=yes"):
        shown = await say("hana", words)
    notice = present_notice(pod.manifest.purposes)
    newer, works = notice.model_copy(update={"version": notice.version + 1}), pod.works(ReportsWork, CONSTRAINTS)
    ledger.notice, catalogues = newer.version, MemoryCatalogues(works)
    consents = RpcConsents(pod.peers, newer.version)
    report = ReportDialogue(works, catalogues, PolygonWardMap(catalogues), consents, newer)
    kit = DialogueKit(works, [report], pod.clock, prepare=catalogue_first(catalogues))
    press = wire.Choice(ask_id=shown.ask.ask_id, option_ids=["yes"])
    request = wire.TurnRequest(
        event_id="last", citizen_id="hana", channel="line", language="ja", session_id=shown.session_id, choice=press
    )
    assert (await kit.turn(request, "fukuoka")).ask.key == "messages"
