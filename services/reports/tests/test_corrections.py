"""What was answered is corrected before it is sent, and the way back from there."""

from collections.abc import Awaitable, Callable

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire

pytestmark = pytest.mark.integration
Say = Callable[..., Awaitable[wire.TurnResponse]]
Photo = Callable[..., Awaitable[str]]
Change = Callable[[str], Awaitable[wire.TurnResponse]]


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
    assert told.link.uri == "tel:092-000-0199"
    assert shown.HasField("card")


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
