"""What others know about messages to residents comes in; the desk reads the truth about what arrived."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from google.protobuf.message import Message
from stand_in import Ledger

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.consent.v1 import consent_service_pb2 as consent
from machi.consent.v1.events_pb2 import ConsentDecided, ReachabilityChanged
from machi.deliveries.v1 import events_pb2 as deliveries
from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import THREAD_AUTHOR_SYSTEM, DeskCard
from machi.reports.v1.events_pb2 import ReporterAsked
from machi_reports.adapters.consents import PURPOSE, RpcConsents, present_notice
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.domain.consent import Decision
from machi_reports.entrypoints.messaging import renewing, take_linked, take_outcomes
from machi_reports.entrypoints.wording import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid
from machi_sdk.ids import new_id
from machi_sdk.manifest import Purpose
from machi_sdk.service import Pod
from machi_sdk.telemetry import span

pytestmark = pytest.mark.integration
DESK = "roads-chuo"
FileCase = Callable[..., Awaitable[str]]
CardOf = Callable[..., Awaitable[DeskCard]]
Turn = Callable[..., Awaitable[wire.TurnResponse]]
Outbox = Callable[[], Awaitable[list[Message]]]
Take = Callable[..., Awaitable[None]]
Hear = Callable[[Message], Awaitable[None]]
Ask = Callable[[DeskCard, str], Awaitable[None]]
Answered = Callable[[], Awaitable[str]]
ANSWERED = (
    "SELECT question.text FROM updates AS answer JOIN updates AS question ON question.update_id = answer.question_id"
    " WHERE answer.kind = 'answer'"
)
HANDLERS: dict[type[Message], Take] = {
    ConsentDecided: renewing(PURPOSE),
    ReachabilityChanged: renewing(PURPOSE),
    deliveries.DeliveryConcluded: take_outcomes,
    CitizenMerged: take_linked,
}


@pytest.fixture
def hear(pod: Pod) -> Hear:
    """An event arrives, as its topic's consumer hands it over."""

    async def arrived(event: Message) -> None:
        received = Received(event, new_id(), "x", "fukuoka", "x", datetime.now(UTC), "x", {})
        async with pod.works(ReportsWork, CONSTRAINTS).begin("fukuoka") as work:
            await HANDLERS[type(event)]([received], work)

    return arrived


@pytest.fixture
def notice(pod: Pod) -> Purpose:
    return present_notice(pod.manifest.purposes)


@pytest.fixture
def ask(staff_turn: Turn, clock: ManualClock) -> Ask:
    """An officer asks about a case, a minute after whatever was before."""

    async def asked(card: DeskCard, words: str) -> None:
        clock.advance(timedelta(minutes=1))
        await staff_turn(wire.CardPress(card_id=card.card_id, desk_id=DESK, action_id="ask", values={"words": words}))

    return asked


@pytest.fixture
async def asked(file_case: FileCase, card_of: CardOf, staff_turn: Turn) -> DeskCard:
    """A case of hana's, whom an officer asked at noon; the card of before."""
    with span("webhook"):
        card = await card_of(await file_case("hana"))
    await staff_turn(wire.CardPress(card_id=card.card_id, desk_id=DESK, action_id="ask", values={"words": "どこ?"}))
    return card


@pytest.fixture
def answered_question(connection: "asyncpg.Connection[asyncpg.Record]") -> Answered:
    """The officer's words that the reporter's only answer stands under."""

    async def found() -> str:
        return str(await connection.fetchval(ANSWERED))

    return found


def concluded(card: DeskCard, state: str, version: int = 2, reason: str = "line-400") -> deliveries.DeliveryConcluded:
    return deliveries.DeliveryConcluded(
        delivery_id="d-1",
        citizen_id="hana",
        state=deliveries.DeliveryState.Value(f"DELIVERY_STATE_{state}"),
        reason=reason,
        thread=card.card_id,
        version=version,
    )


def decided(at: datetime, purpose: str = PURPOSE, citizen: str = "hana") -> ConsentDecided:
    event = ConsentDecided(citizen_id=citizen, purpose=purpose, status=consent.CONSENT_STATUS_GIVEN)
    event.decided_at.FromDatetime(at)
    return event


def by_system(card: DeskCard) -> list[str]:
    return [entry.text for entry in card.thread if entry.author == THREAD_AUTHOR_SYSTEM]


def receives(card: DeskCard) -> str:
    return {fact.label: fact.value for fact in card.facts}["通報者へのお知らせ"]


def announced(events: list[Message]) -> list[int]:
    return [event.version for event in events if isinstance(event, CardAnnounced)]


@pytest.mark.parametrize(
    ("state", "reason"),
    [("FAILED", "line-400"), ("FAILED", "no-channel"), ("EXPIRED", "too-old"), ("SUPERSEDED", "newer-sent")],
)
async def test_a_message_that_did_not_arrive_is_said_once_in_the_cases_thread(
    *, asked: DeskCard, card_of: CardOf, hear: Hear, clock: ManualClock, outbox: Outbox, state: str, reason: str
) -> None:
    (fact,) = [event for event in await outbox() if isinstance(event, ReporterAsked)]
    clock.advance(timedelta(minutes=3))
    for _ in range(2):
        await hear(concluded(asked, state, fact.report.version, reason))
    card = await card_of(asked.number)
    assert by_system(card) == ["⚠️ 12:00 のお知らせは、通報者に届きませんでした。"]
    assert (card.thread[-1].text, card.status) == (by_system(card)[0], "回答待ち")
    assert announced(await outbox()) == [1, 2, 3]


@pytest.mark.parametrize(
    ("state", "answered"),
    [("FAILED", "どこ?"), ("EXPIRED", "どこ?"), ("SUPERSEDED", "どこ?"), ("REFUSED", "どこ?"), ("UNKNOWN", "色は?")],
)
async def test_what_is_typed_answers_no_question_that_reached_nobody(
    *,
    asked: DeskCard,
    ask: Ask,
    say: Turn,
    hear: Hear,
    outbox: Outbox,
    answered_question: Answered,
    state: str,
    answered: str,
) -> None:
    await ask(asked, "色は?")
    first, second = [event for event in await outbox() if isinstance(event, ReporterAsked)]
    await hear(concluded(asked, state, second.report.version))
    await say("hana", "左側です", session=first.session_id)
    assert await answered_question() == answered


async def test_what_is_typed_answers_no_question_that_was_not_sent(
    *, asked: DeskCard, ask: Ask, say: Turn, outbox: Outbox, answered_question: Answered, ledger: Ledger
) -> None:
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    await ask(asked, "色は?")
    first, second = [event.session_id for event in await outbox() if isinstance(event, ReporterAsked)]
    await say("hana", "左側です", session=first)
    assert (second, await answered_question()) == ("", "どこ?")


async def test_what_did_not_arrive_is_a_hop_on_the_trace_of_the_case(
    asked: DeskCard, hear: Hear, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await hear(concluded(asked, "FAILED"))
    hop = await connection.fetchrow("SELECT trace_id, detail FROM hops WHERE name = 'report.undelivered'")
    assert hop is not None
    assert hop["trace_id"] == await connection.fetchval("SELECT trace_id FROM reports")
    assert "line-400" in hop["detail"]


@pytest.mark.parametrize("state", ["ACCEPTED", "REFUSED", "UNKNOWN"])
async def test_what_arrived_or_may_have_or_was_not_wanted_is_no_trouble(
    asked: DeskCard, card_of: CardOf, hear: Hear, state: str
) -> None:
    await hear(concluded(asked, state))
    assert (await card_of(asked.number)).version == 2


async def test_an_outcome_about_no_case_or_of_before_changes_nothing(
    asked: DeskCard, card_of: CardOf, hear: Hear
) -> None:
    failed = deliveries.DELIVERY_STATE_FAILED
    await hear(concluded(asked, "FAILED", version=9))
    await hear(deliveries.DeliveryConcluded(delivery_id="old", state=failed))
    await hear(deliveries.DeliveryConcluded(delivery_id="other", state=failed, thread="umbrella", version=1))
    assert (await card_of(asked.number)).version == 2


async def test_what_is_no_fact_about_messages_is_refused(pod: Pod) -> None:
    received = Received(CardAnnounced(), new_id(), "x", "fukuoka", "x", datetime.now(UTC), "x", {})
    for take in (renewing(PURPOSE), take_linked, take_outcomes):
        with pytest.raises(Invalid):
            async with pod.works(ReportsWork, CONSTRAINTS).begin("fukuoka") as work:
                await take([received], work)


async def test_open_cards_are_shown_anew_when_their_reporter_turns_messages_on_again(
    *, asked: DeskCard, card_of: CardOf, file_case: FileCase, hear: Hear, clock: ManualClock, outbox: Outbox
) -> None:
    closed_for = await file_case("taro")
    await hear(decided(clock.now() + timedelta(minutes=1)))
    assert (await card_of(asked.number)).version == 3
    assert (await card_of(closed_for)).version == 1, "another citizen's"
    assert announced(await outbox()) == [1, 2, 1, 3]


async def test_closed_later_and_other_cases_are_left_alone(
    asked: DeskCard, card_of: CardOf, staff_turn: Turn, hear: Hear, clock: ManualClock
) -> None:
    await hear(decided(clock.now() - timedelta(minutes=1)))
    await hear(decided(clock.now() + timedelta(minutes=1), purpose="tourism.news"))
    assert (await card_of(asked.number)).version == 2
    done = wire.CardPress(card_id=asked.card_id, desk_id=DESK, action_id="resolve", values={"words": "済"})
    await staff_turn(done)
    await hear(decided(clock.now() + timedelta(minutes=1)))
    assert (await card_of(asked.number)).version == 3


async def test_open_cards_are_shown_anew_when_a_platform_reaches_their_reporter_no_more(
    asked: DeskCard, card_of: CardOf, hear: Hear, ledger: Ledger, clock: ManualClock
) -> None:
    ledger.blocked.add("hana")
    event = ReachabilityChanged(citizen_id="hana", channel="line", reachable=False)
    event.occurred_at.FromDatetime(clock.now() + timedelta(minutes=1))
    await hear(event)
    card = await card_of(asked.number)
    assert (card.version, receives(card)) == (3, "届きません（アカウントをブロック中か、退会済み）")


async def test_open_cards_are_shown_anew_when_their_reporter_links_another_channel(
    asked: DeskCard, card_of: CardOf, hear: Hear, clock: ManualClock
) -> None:
    event = CitizenMerged(from_id="hana", into_id="hana-new")
    event.occurred_at.FromDatetime(clock.now() + timedelta(minutes=1))
    await hear(event)
    assert (await card_of(asked.number)).version == 3


async def test_a_decision_under_a_former_id_counts_for_who_the_person_is_now(
    asked: DeskCard, card_of: CardOf, hear: Hear, clock: ManualClock
) -> None:
    await hear(CitizenMerged(from_id="hana", into_id="hana-new"))
    await hear(decided(clock.now() + timedelta(minutes=1)))
    assert (await card_of(asked.number)).version == 3


@pytest.mark.parametrize("action", ["write", "ask", "resolve", "reject", "note"])
async def test_words_that_were_not_sent_say_so_for_ever(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, ledger: Ledger, action: str
) -> None:
    card = await card_of(await file_case("hana"))
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    if action == "write":
        await staff_turn(wire.CardReply(card_id=card.card_id, desk_id=DESK, text="明日うかがいます"))
    else:
        values = {"words": "明日うかがいます"}
        await staff_turn(wire.CardPress(card_id=card.card_id, desk_id=DESK, action_id=action, values=values))
    ledger.statuses["hana"] = consent.CONSENT_STATUS_GIVEN
    said = (await card_of(card.number)).thread[-1].text
    assert said.startswith("【内部メモ" if action == "note" else "【通報者には送られていません】"), said
    await staff_turn(wire.CardReply(card_id=card.card_id, desk_id=DESK, text="直りました"))
    assert (await card_of(card.number)).thread[-1].text == "通報者へ: 直りました"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (consent.CONSENT_STATUS_GIVEN, "届きます"),
        (consent.CONSENT_STATUS_UNKNOWN, "届きません（いまの説明への同意がありません）"),
        (consent.CONSENT_STATUS_WITHDRAWN, "届きません（本人の意思）"),
    ],
)
async def test_the_card_says_what_identity_would_release(
    *,
    file_case: FileCase,
    card_of: CardOf,
    staff_turn: Turn,
    ledger: Ledger,
    status: "consent.ConsentStatus.ValueType",
    shown: str,
) -> None:
    card = await card_of(await file_case("hana"))
    ledger.statuses["hana"] = status
    assert receives(await card_of(card.number)) == shown
    press = wire.CardPress(card_id=card.card_id, desk_id=DESK, action_id="ask", values={"words": "どこ?"})
    told = (await staff_turn(press)).messages[0].text.text
    assert ("送られません" in told) == (shown != "届きます")


async def test_a_yes_to_an_older_notice_counts_as_long_as_identity_counts_it(
    pod: Pod, ledger: Ledger, notice: Purpose
) -> None:
    ledger.statuses["hana"] = consent.CONSENT_STATUS_GIVEN
    newer = notice.model_copy(update={"version": notice.version + 1})
    assert present_notice([newer, notice]) == present_notice([notice, newer]) == newer
    consents = RpcConsents(pod.peers, newer.version)
    assert await consents.receives("fukuoka", "hana") is Decision.GIVEN
    assert await consents.check("fukuoka", "hana") is Decision.NONE  # and they are asked anew


async def test_of_reporters_who_share_an_end_only_the_officers_own_is_said_to_be_silent(
    file_case: FileCase, card_of: CardOf, staff_turn: Turn, ledger: Ledger
) -> None:
    leading, other = [await card_of(await file_case(name)) for name in ("hana", "taro")]
    joined = wire.CardPress(
        card_id=other.card_id, desk_id=DESK, action_id="duplicate", values={"number": leading.number}
    )
    await staff_turn(joined)
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    done = wire.CardPress(card_id=leading.card_id, desk_id=DESK, action_id="resolve", values={"words": "直りました"})
    await staff_turn(done)
    assert (await card_of(leading.number)).thread[-1].text == "【通報者には送られていません】対応完了: 直りました"
    assert (await card_of(other.number)).thread[-1].text == "対応完了: 直りました"


@pytest.mark.parametrize("language", TEXTS.languages)
def test_what_did_not_arrive_is_said_with_its_time_in_every_language(language: str) -> None:
    assert "12:00" in TEXTS.say(language, "thread.undelivered", time="12:00")
