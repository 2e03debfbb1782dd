"""What was answered is corrected before it is sent, and the way back from there."""

from collections.abc import Awaitable, Callable

import pytest
from stand_in import Ledger

from machi.consent.v1 import consent_service_pb2 as consent
from machi.dialogue.v1 import dialogue_service_pb2 as wire

pytestmark = pytest.mark.integration
Say = Callable[..., Awaitable[wire.TurnResponse]]
Photo = Callable[..., Awaitable[str]]
Change = Callable[[str], Awaitable[wire.TurnResponse]]


def shown(response: wire.TurnResponse) -> dict[str, str]:
    """The facts of the summary."""
    return {fact.label: fact.value for fact in response.messages[-1].card.facts}


@pytest.fixture
async def summary(say: Say, put_photo: Photo) -> wire.TurnResponse:
    """A report that waits to be confirmed, with a photo."""
    for words in ("/report", "=road", "=pothole", "中央区天神1丁目"):
        await say("hana", words)
    await say("hana", wire.Photo(media_id=await put_photo("hana", "e1")), event_id="e1")
    for words in ("穴です", "=yes"):
        response = await say("hana", words)
    assert response.ask.key == "confirm"
    return response


@pytest.fixture
def change(say: Say) -> Change:
    """Choose what to change, by its name."""

    async def chosen(label: str) -> wire.TurnResponse:
        options = (await say("hana", "=change")).ask.choice.options
        return await say("hana", "=" + next(option.option_id for option in options if option.label == label))

    return chosen


@pytest.mark.parametrize("label", ["種類", "状態", "場所", "写真", "説明"])
async def test_back_leads_to_the_summary_as_it_was(
    summary: wire.TurnResponse, say: Say, change: Change, label: str
) -> None:
    assert (await change(label)).ask.key != "confirm"
    back = await say("hana", "!back")
    assert back.ask.key == "confirm"
    assert back.messages == summary.messages


@pytest.mark.parametrize("words", ["いいえ", "はい", "これだけです"])
async def test_words_after_a_new_photo_send_and_drop_nothing(
    summary: wire.TurnResponse, say: Say, change: Change, put_photo: Photo, words: str
) -> None:
    assert summary.ask.key == "confirm"
    assert (await change("写真")).ask.key == "photo"
    photo = wire.Photo(media_id=await put_photo("hana", "e2"))
    assert (await say("hana", photo, event_id="e2")).ask.photo.maximum == 2
    shown = await say("hana", words)
    assert (shown.session_state, shown.ask.key) == (wire.SESSION_STATE_OPEN, "confirm")
    assert shown.messages == summary.messages


async def test_what_becomes_urgent_gives_the_office_before_the_summary(
    summary: wire.TurnResponse, say: Say, change: Change
) -> None:
    assert not summary.messages[0].HasField("link")
    await change("状態")
    told, shown = (await say("hana", "=collapse")).messages
    assert told.link.uri == "tel:+81-92-000-0199"
    assert shown.HasField("card")


async def test_messages_that_are_turned_on_again_here_are_promised(
    summary: wire.TurnResponse, say: Say, change: Change, ledger: Ledger
) -> None:
    assert shown(summary)["お知らせ"] == "受け取る"
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    told = await say("hana", "=yes")
    assert (told.ask.key, shown(told)["お知らせ"]) == ("confirm", "受け取らない")
    assert (await change("お知らせ")).ask.key == "messages"
    back = await say("hana", "!back")
    assert shown(back)["お知らせ"] == "受け取らない", "nothing was decided anew"
    await change("お知らせ")
    assert shown(await say("hana", "=yes"))["お知らせ"] == "受け取る"
    receipt = (await say("hana", "=yes")).messages[0].receipt
    assert receipt.number
    assert not receipt.note.startswith("お知らせは送りません")


async def test_what_was_decided_before_the_report_can_be_changed_at_its_end(
    say: Say, change: Change, ledger: Ledger
) -> None:
    ledger.statuses["hana"] = consent.CONSENT_STATUS_GIVEN
    for words in ("/report", "=road", "=pothole", "中央区天神1丁目", "!skip", "穴です"):
        summary = await say("hana", words)
    assert (await change("お知らせ")).ask.key == "messages"
    back = await say("hana", "!back")
    assert (back.ask.key, back.messages) == ("confirm", summary.messages)
    await change("お知らせ")
    assert shown(await say("hana", "=no"))["お知らせ"] == "受け取らない"
    assert ledger.decisions == [], "only what is sent is decided"
    assert (await say("hana", "=yes")).messages[0].receipt.note.startswith("お知らせは送りません")
    assert [decision.status for decision in ledger.decisions] == [consent.CONSENT_STATUS_REFUSED]


async def test_who_stops_messages_at_the_summary_comes_back_to_one_that_says_so(
    summary: wire.TurnResponse, say: Say, ledger: Ledger
) -> None:
    assert (await say("hana", wire.Resume())).messages == summary.messages, "what was answered here stands"
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    again = await say("hana", wire.Resume())
    assert (again.ask.key, shown(again)["お知らせ"]) == ("confirm", "受け取らない")
    assert (await say("hana", "=yes")).messages[0].receipt.number


async def test_who_had_messages_off_and_stops_them_again_at_the_summary_is_not_overruled_by_a_yes_before_it(
    say: Say, change: Change, ledger: Ledger
) -> None:
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    for words in ("/report", "=road", "=pothole", "中央区天神1丁目", "!skip", "穴です"):
        await say("hana", words)
    await change("お知らせ")
    assert shown(await say("hana", "=yes"))["お知らせ"] == "受け取る"
    assert (await say("hana", wire.Resume())).ask.key == "messages", "what they decided elsewhere was a no already"
    assert shown(await say("hana", "=no"))["お知らせ"] == "受け取らない"
    assert (await say("hana", "=yes")).messages[0].receipt.note.startswith("お知らせは送りません")
    assert consent.CONSENT_STATUS_GIVEN not in [decision.status for decision in ledger.decisions]


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        ("latitude=33.589 longitude=130.399 place=天神", "photo"),
        ("latitude=25.033 longitude=121.565", "place"),
        ("latitude=nan longitude=130.4", "place"),
        ("latitude=here longitude=there", "place"),
    ],
    ids=["in the city", "elsewhere", "nowhere", "no number"],
)
async def test_a_place_that_was_sent_first_is_not_asked_again(say: Say, where: str, asked: str) -> None:
    await say("hana", f"/report {where}")
    await say("hana", "=road")
    assert (await say("hana", "=pothole")).ask.key == asked


@pytest.mark.parametrize("typed", ["gas leak", "公園の電線が切れている", "a power line on the road"])
async def test_a_danger_gives_the_number_however_it_is_said(say: Say, typed: str) -> None:
    first = await say("hana", wire.Open(command="report", arguments={"text": typed}))
    await say("jiro", "/report")
    second = await say("jiro", typed)
    for told in (first, second):
        assert (told.ask.key, told.messages[-1].link.uri) == ("detail-what", "tel:+81-92-000-0190")


async def test_a_place_that_was_sent_first_can_be_taken_back(say: Say) -> None:
    await say("hana", "/report latitude=33.589 longitude=130.399 sent_in=pin")
    await say("hana", "=road")
    assert (await say("hana", "=pothole")).ask.key == "photo"
    assert (await say("hana", wire.Retract(event_id="pin"))).ask.key == "category"
    await say("hana", "=road")
    assert (await say("hana", "=pothole")).ask.key == "place"


async def test_no_way_back_takes_away_a_place_that_was_sent_first(say: Say) -> None:
    first = await say("hana", "/report latitude=33.589 longitude=130.399")
    assert "back" not in [control.option_id for control in first.ask.controls]
    assert (await say("hana", "戻る")).ask.key == "category"
    assert "back" in [control.option_id for control in (await say("hana", "=road")).ask.controls]
    assert (await say("hana", "=pothole")).ask.key == "photo"


async def test_the_way_back_leads_to_what_first_words_had_answered(say: Say) -> None:
    first = await say("hana", wire.Open(command="report", arguments={"text": "道に穴"}))
    assert first.ask.key != "category"
    back = first
    while back.ask.key != "category":
        assert "back" in [control.option_id for control in back.ask.controls]
        back = await say("hana", "戻る")
