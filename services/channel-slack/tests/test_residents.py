"""Residents in the direct conversation: their words reach the pod once, its answer reaches them once."""

from datetime import UTC, datetime, timedelta

import pytest
from samples import WORDS
from slack_city import JPEG, RESIDENT, SlackCity

from machi.deliveries.v1 import events_pb2 as deliveries
from machi.dialogue.v1 import messages_pb2 as neutral
from machi_sdk.ids import new_id
from machi_sdk.testing import publish, read_all, wait_until
from machi_sdk.testing.kafka import Event
from machi_sdk.work import Work
from machi_simulator.config import Config
from machi_simulator.faults import Fault
from machi_simulator.slack.model import SlackMessage

pytestmark = pytest.mark.integration

POST = "/slack/api/chat.postMessage"


async def open_events(city: SlackCity) -> int:
    async with city.pod.works(Work).begin("") as work:
        count: int = await work.db.fetchval(
            "SELECT count(*) FROM inbound_events WHERE state IN ('received', 'turned', 'replying', 'waiting')"
        )
    return count


async def stored(city: SlackCity, count: int) -> None:
    async def so_many() -> bool:
        async with city.pod.works(Work).begin("") as work:
            found: int = await work.db.fetchval("SELECT count(*) FROM inbound_events")
        return found == count

    await wait_until(so_many)


async def settled(city: SlackCity) -> None:
    async def none_open() -> bool:
        return await open_events(city) == 0

    await wait_until(none_open)


async def test_every_kind_of_question_is_answered_by_its_own_means(city: SlackCity) -> None:
    slack, lamps = city.simulator.slack, city.lamps
    await slack.direct(RESIDENT, "街灯")
    (_, *_), choice = lamps.questions, (await city.heard(1))[-1]
    await slack.press(RESIDENT, choice, "choice:o1")
    boxes = (await city.heard(2))[-1]
    several = next(str(block["block_id"]) for block in boxes.blocks if str(block.get("block_id")).startswith("ask:"))
    ticked: dict[str, dict[str, object]] = {several: {f"several:{lamps.questions[1].ask_id}": ["o0", "o2"]}}
    await slack.press(RESIDENT, boxes, "done", ticked=ticked)
    await slack.press(RESIDENT, (await city.heard(3))[-1], "choice:yes")
    await city.heard(4)
    await slack.direct(RESIDENT, "", ("hole.jpg", "image/jpeg", JPEG))
    await city.heard(5)
    await slack.direct(RESIDENT, WORDS)
    date = (await city.heard(6))[-1]
    await slack.press(RESIDENT, date, f'["m","{lamps.questions[5].ask_id}"]', "2026-12-01")
    time = (await city.heard(7))[-1]
    await slack.press(RESIDENT, time, f'["m","{lamps.questions[6].ask_id}"]', "09:30")
    await city.heard(8)
    await slack.direct(RESIDENT, "3")
    await slack.press(RESIDENT, (await city.heard(9))[-1], "control:skip")
    kinds = [turn.WhichOneof("input") for turn in await city.turned(10)]
    assert kinds == ["open", "choice", "choice", "choice", "photo", "text", "moment", "moment", "text", "control"]
    assert [list(turn.choice.option_ids) for turn in lamps.turns[1:4]] == [["o1"], ["o0", "o2"], ["yes"]]
    assert lamps.photos == [JPEG]
    assert lamps.turns[5].text.text == WORDS
    assert (lamps.turns[6].moment.date, lamps.turns[7].moment.time) == ("2026-12-01", "09:30")
    assert {turn.channel for turn in lamps.turns} == {"slack"}
    assert await city.simulator.refused() == []


async def test_the_slash_command_opens_what_its_words_name_and_help_without_words(city: SlackCity) -> None:
    slack = city.simulator.slack
    room = await slack.create_channel(RESIDENT, "general")
    assert (await slack.command(RESIDENT, room.id, "/machi", "lamp")).ok
    await city.heard(1)
    assert (await slack.command(RESIDENT, room.id, "/machi")).ok
    await city.heard(2)
    assert [turn.open.command for turn in city.lamps.turns if turn.HasField("open")] == ["lamp", "help"]
    (whisper, *_) = [each for each in await slack.messages(room.id) if each.seen_by == RESIDENT]
    assert "ダイレクトメッセージ" in whisper.text


async def test_who_chose_no_language_is_shown_where_to_with_the_first_answer_and_with_help(city: SlackCity) -> None:
    """Nothing in Slack asks for a language: whoever reads no Japanese is in the midst of it at once."""
    slack, city.people.language_chosen = city.simulator.slack, False

    def offered(message: SlackMessage) -> bool:
        return "言語 / Language" in str(message.blocks)

    await slack.direct(RESIDENT, "街灯")
    await slack.press(RESIDENT, (await city.heard(1))[-1], "choice:o1")
    await slack.press(RESIDENT, (await city.heard(2))[-1], "control:help")
    first, second, help_ = await city.heard(3)
    assert [offered(each) for each in (first, second, help_)] == [True, False, True]
    await slack.press(RESIDENT, help_, "languages")
    assert (await city.turned(4))[-1].open.command == "tongue"


async def test_who_chose_a_language_is_not_asked_again(city: SlackCity) -> None:
    await city.simulator.slack.direct(RESIDENT, "街灯")
    (first,) = await city.heard(1)
    assert "Language" not in str(first.blocks)


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_hang", "reset", "status"])
async def test_an_answer_of_unclear_outcome_reaches_the_person_once(city: SlackCity, kind: str) -> None:
    slack = city.simulator.slack
    await city.simulator.plan(Fault.model_validate({"path": POST, "kind": kind, "status": 500, "ms": 9000}))
    await slack.direct(RESIDENT, "街灯")
    await city.heard(1, 25)
    await settled(city)
    assert len(await slack.heard(RESIDENT)) == 1
    assert len(city.lamps.turns) == 1


async def test_who_must_wait_for_slack_is_answered_in_order(city: SlackCity) -> None:
    slack = city.simulator.slack
    fault = {"path": POST, "kind": "status", "status": 429, "count": 2, "headers": {"Retry-After": "1"}}
    await city.simulator.plan(Fault.model_validate(fault))
    for count, words in enumerate(("街灯", "一", "二"), start=1):
        await slack.direct(RESIDENT, words)
        await stored(city, count)  # Slack delivers side by side; the order is that of their arrival
    await city.heard(3, 25)
    await settled(city)
    assert len(await slack.heard(RESIDENT)) == 3
    assert [turn.text.text for turn in city.lamps.turns[1:]] == ["一", "二"]


async def test_who_writes_in_a_thread_is_answered_there_once(city: SlackCity) -> None:
    slack = city.simulator.slack
    await slack.direct(RESIDENT, "街灯")
    (first,) = await city.heard(1)
    await city.simulator.plan(Fault(path=POST, kind="accept_then_reset"))
    await slack.direct(RESIDENT, "暗い", thread_ts=first.ts)
    await slack.press(RESIDENT, (await city.heard(2))[-1], "control:help")
    await city.heard(3)
    said = await slack.direct(RESIDENT, "まだ暗い", thread_ts=first.ts)
    await city.heard(4)
    await slack.take_back(RESIDENT, said)
    await city.heard(5)
    await slack.direct(RESIDENT, "次")
    assert [each.thread_ts for each in await city.heard(6)] == ["", *[first.ts] * 4, ""]
    await settled(city)
    assert len(await slack.heard(RESIDENT)) == 6


async def test_an_answer_whose_thread_is_gone_stands_in_the_conversation(city: SlackCity) -> None:
    await city.simulator.slack.direct(RESIDENT, "街灯", thread_ts="1.000001")
    (answer,) = await city.heard(1)
    assert answer.thread_ts == ""


async def test_an_event_delivered_again_has_one_effect(city: SlackCity) -> None:
    await city.simulator.slack.direct(RESIDENT, "街灯")
    await city.heard(1)
    for hook in await city.simulator.webhooks("slack", "events:message"):
        await city.simulator.redeliver(hook.id)
    await city.simulator.slack.direct(RESIDENT, "次")
    await city.heard(2)
    await settled(city)
    assert len(await city.simulator.slack.heard(RESIDENT)) == 2
    assert len(city.lamps.turns) == 2


async def test_a_deleted_message_is_taken_back_and_its_words_are_forgotten(city: SlackCity) -> None:
    slack = city.simulator.slack
    await slack.direct(RESIDENT, "街灯")
    await city.heard(1)
    said = await slack.direct(RESIDENT, "秘密のことば")
    await city.heard(2)
    await slack.take_back(RESIDENT, said)
    _, told, *retractions = await city.turned(5)
    assert retractions[0].retract.event_id == told.event_id, "and then by the names of what was taken as something else"
    await settled(city)
    async with city.pod.works(Work).begin("") as work:
        place = f"{said.channel}/{said.ts}"
        kept = await work.db.fetch("SELECT payload FROM inbound_events WHERE message_id = $1", place)
    assert [bytes(row["payload"]) for row in kept] == [b""]


async def test_who_edits_a_message_hears_that_it_does_not_arrive(city: SlackCity) -> None:
    slack = city.simulator.slack
    await slack.direct(RESIDENT, "街灯")
    await city.heard(1)
    said = await slack.direct(RESIDENT, "暗い")
    await city.heard(2)
    await slack.edit(RESIDENT, said, "とても暗い")
    await city.heard(3)
    await slack.direct(RESIDENT, "次")
    await city.heard(4)
    assert [turn.WhichOneof("input") for turn in city.lamps.turns] == ["open", "text", "unsupported", "text"]
    assert city.lamps.turns[2].unsupported.kind == "edited"
    await settled(city)
    assert len(await slack.heard(RESIDENT)) == 4


async def test_files_that_are_no_photos_are_told_by_kind(city: SlackCity) -> None:
    slack = city.simulator.slack
    await slack.direct(RESIDENT, "街灯")
    await city.heard(1)
    await slack.direct(RESIDENT, "動画です", ("a.mp4", "video/mp4", b"x"), ("a.txt", "text/plain", b"y"))
    turns = await city.turned(4)
    assert [turn.unsupported.kind for turn in turns[1:3]] == ["video", "file"]
    assert turns[3].text.text == "動画です"


@pytest.mark.parametrize("kind", ["", "accept_then_reset", "status"])
async def test_a_delivery_reaches_the_person_once_and_its_end_is_told(city: SlackCity, kind: str) -> None:
    if kind:
        await city.simulator.plan(Fault.model_validate({"path": POST, "kind": kind, "status": 503}))
    address = f"{Config().slack_team_id}/{RESIDENT}"
    request = requested(address, f"直りました {WORDS}")
    await publish(city.bootstrap, "machi.deliveries.requests.v1", [Event(request.citizen_id, request)] * 2)
    assert await end_of(city, request) == "DELIVERY_STATE_ACCEPTED"
    (message,) = await city.simulator.slack.heard(RESIDENT)
    assert "直りました" in message.text


async def test_without_consent_nothing_is_sent(city: SlackCity) -> None:
    city.people.refusing = True
    request = requested(f"{Config().slack_team_id}/{RESIDENT}", "広告")
    await publish(city.bootstrap, "machi.deliveries.requests.v1", [Event(request.citizen_id, request)])
    assert await end_of(city, request) == "DELIVERY_STATE_REFUSED"
    assert await city.simulator.slack.heard(RESIDENT) == []


def requested(address: str, words: str) -> deliveries.DeliveryRequested:
    request = deliveries.DeliveryRequested(
        delivery_id=new_id(),
        citizen_id=f"c-{address}",
        channel="slack",
        purpose="lamps.updates",
        thread="case-1",
        version=1,
        language="ja",
        messages=[neutral.Message(text=neutral.Text(text=words))],
    )
    request.send_before.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    return request


async def end_of(city: SlackCity, request: deliveries.DeliveryRequested) -> str:
    ends: list[str] = []

    async def ended() -> bool:
        for record in await read_all(city.bootstrap, "machi.deliveries.outcomes.v1"):
            event = record.event
            if isinstance(event, deliveries.DeliveryConcluded) and event.delivery_id == request.delivery_id:
                ends.append(deliveries.DeliveryState.Name(event.state))
        return bool(ends)

    await wait_until(ended)
    return ends[0]
