"""Cards in Slack: one message each, changed in place, whatever Slack does; judged by what Slack's stand-in received."""

import aiohttp
import pytest
from prometheus_client import REGISTRY
from samples import card, entry, moved
from slack_city import DESK, JPEG, OFFICER, SlackCity

from machi.dialogue.v1.desk_card_pb2 import CardPhoto
from machi_simulator.config import Config
from machi_simulator.faults import Fault
from machi_simulator.slack.model import SlackMessage

pytestmark = pytest.mark.integration

POST, UPDATE = "/slack/api/chat.postMessage", "/slack/api/chat.update"
SHARE = "/slack/api/files.completeUploadExternal"


async def test_a_card_its_thread_and_its_photo_are_shown_once_and_changed_in_place(city: SlackCity) -> None:
    city.lamps.card.thread.append(entry("e-1", "<b>まだ</b> 暗い & 寒い"))
    city.lamps.card.photos.append(CardPhoto(media_id="m-1", alt_text="写真"))
    city.lamps.card.photos.append(CardPhoto(media_id="m-gone", alt_text="写真"))
    before = REGISTRY.get_sample_value("machi_slack_card_seconds_count") or 0
    await city.announce(1)
    first = await city.shown(1)
    room = await city.simulator.slack.channel(DESK)
    assert room is not None
    assert OFFICER in room.members
    assert first.metadata == {"event_type": "machi_card", "event_payload": {"card_id": "card-1", "desk_id": DESK}}
    newer = card(version=2)
    newer.status = "対応中"
    newer.thread.extend([*city.lamps.card.thread, entry("e-2", "直りました", "花田")])
    newer.photos.extend(city.lamps.card.photos)
    city.lamps.card.CopyFrom(newer)
    await city.announce(2)
    second = await city.shown(2)
    assert (second.ts, second.channel) == (first.ts, first.channel)
    assert "対応中" in str(second.blocks)
    assert REGISTRY.get_sample_value("machi_slack_card_seconds_count") == before + 1, "a change is no new card"
    thread = [message for message in await city.messages() if message.thread_ts == first.ts]
    assert [message.text for message in thread if not message.files] == [
        "市民: &lt;b&gt;まだ&lt;/b&gt; 暗い &amp; 寒い",
        "花田: 直りました",
    ]
    (photo,) = [file for message in thread for file in message.files]
    assert (await city.simulator.slack.file(photo)).body == JPEG
    assert await city.simulator.refused() == []


async def test_many_changes_become_few_updates_of_the_newest(city: SlackCity) -> None:
    city.lamps.card.version = 30
    await city.announce(*range(1, 31))
    await city.shown(30)
    assert len(await city.simulator.received(POST)) == 1
    assert len(await city.simulator.received(UPDATE)) <= 2
    assert city.lamps.asked <= 3
    await city.announce(7)
    city.lamps.card.version = 31
    await city.announce(31)
    await city.shown(31)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=POST, kind="status", status=429, retry_after=1),
        Fault(path=POST, kind="status", status=500),
        Fault(path=POST, kind="reset"),
        Fault(path=POST, kind="accept_then_reset"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
async def test_one_card_whatever_becomes_of_the_post(city: SlackCity, fault: Fault) -> None:
    await city.simulator.plan(fault)
    city.lamps.card.thread.append(entry())
    await city.announce(1)
    await city.shown(1)
    assert len(await city.messages()) == 2
    assert [call for call in await city.simulator.refused() if "429" not in str(call.status)] == []


async def test_a_thread_entry_and_a_photo_stand_there_once_after_doubt(city: SlackCity) -> None:
    await city.simulator.plan(Fault(path=POST, kind="accept_then_reset", skip=1))
    await city.simulator.plan(Fault(path=SHARE, kind="accept_then_reset"))
    city.lamps.card.thread.extend([entry("e-1", "同じ"), entry("e-2", "同じ")])
    city.lamps.card.photos.append(CardPhoto(media_id="m-1", alt_text="写真"))
    await city.announce(1)
    first = await city.shown(1)
    thread = [message for message in await city.messages() if message.thread_ts == first.ts]
    assert len([message for message in thread if not message.files]) == 2
    assert len([message for message in thread if message.files]) == 1


async def test_words_taken_back_are_changed_where_they_stand(city: SlackCity) -> None:
    city.lamps.card.thread.append(entry("e-1", "秘密"))
    await city.announce(1)
    await city.shown(1)
    city.lamps.card.version = 2
    city.lamps.card.thread[0].text = "（取り消されました）"
    await city.announce(2)
    await city.shown(2)
    assert "秘密" not in str(await city.messages())
    assert len(await city.messages()) == 2


async def deleted(city: SlackCity, message: SlackMessage) -> None:
    token = {"authorization": f"Bearer {Config().slack_bot_token}"}
    async with aiohttp.ClientSession(city.simulator.slack_api_url, headers=token) as session:
        await session.post("chat.delete", json={"channel": message.channel, "ts": message.ts})


async def test_a_deleted_card_is_posted_anew_and_its_thread_leaves_with_it(city: SlackCity) -> None:
    city.lamps.card.thread.append(entry("e-1", "秘密"))
    await city.announce(1)
    first = await city.shown(1)
    await deleted(city, first)
    assert await city.cards() == []
    city.lamps.card.version = 2
    city.lamps.card.thread[0].text = "（取り消されました）"
    await city.announce(2)
    second = await city.shown(2)
    assert second.ts != first.ts
    assert "秘密" not in str(await city.messages()), "Slack keeps replies to what is deleted"
    assert [message.thread_ts for message in await city.messages()] == ["", second.ts]


async def test_words_taken_back_whose_message_was_deleted_hold_up_nothing(city: SlackCity) -> None:
    city.lamps.card.thread.extend([entry("e-1", "秘密"), entry("e-2", "これも秘密")])
    await city.announce(1)
    await city.shown(1)
    await deleted(city, next(message for message in await city.messages() if message.thread_ts))
    city.lamps.card.version = 2
    for each in city.lamps.card.thread:
        each.text = "（取り消されました）"
    await city.announce(2)
    await city.shown(2)
    assert "秘密" not in str(await city.messages())


async def test_a_card_that_moved_on_is_one_line(city: SlackCity) -> None:
    await city.announce(1)
    await city.shown(1)
    city.lamps.card.CopyFrom(moved())
    await city.announce(9)
    message = await city.shown(9)
    assert [block["type"] for block in message.blocks] == ["rich_text"]  # Slack replaces rich text by nothing else
    assert "切れて" not in f"{message.text}{message.blocks}"


async def test_a_channel_of_that_name_is_joined(city: SlackCity) -> None:
    await city.simulator.slack.create_channel(OFFICER, DESK)
    await city.announce(1)
    await city.shown(1)
    assert len([room for room in await city.simulator.slack.channels() if room.name == DESK]) == 1
