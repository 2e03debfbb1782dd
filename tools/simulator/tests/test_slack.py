import json
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.config import Config
from machi_simulator.faults import Fault
from machi_simulator.jsontree import Json, as_object, as_objects, child, text
from machi_simulator.slack.model import SlackMessage
from machi_simulator.slack.outgoing import signature
from machi_simulator.testing import Simulator, running
from machi_simulator.testing_receiver import Hook, Receiver

VECTORS = json.loads((Path(__file__).parent / "data" / "slack_signature_vectors.json").read_text())
OFFICER = "U0ROADS01"
BUTTON: Json = {
    "type": "button",
    "action_id": "acknowledge",
    "value": "case-1",
    "text": {"type": "plain_text", "text": "対応する"},
}
CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*AB12-CD34* 道路"}},
    {"type": "actions", "block_id": "do", "elements": [BUTTON]},
]
NOTE: Json = {
    "type": "input",
    "block_id": "note",
    "label": {"type": "plain_text", "text": "メモ"},
    "element": {"type": "plain_text_input", "action_id": "words", "max_length": 10},
}
MODAL: Json = {
    "type": "modal",
    "callback_id": "resolve",
    "private_metadata": "case-1",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "完了"},
    "submit": {"type": "plain_text", "text": "送る"},
    "blocks": [NOTE],
}


@pytest.fixture
async def slack(simulator: Simulator) -> AsyncIterator[AsyncWebClient]:
    await simulator.slack.add_user(OFFICER, "道路担当")
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token="xoxb-simulated", base_url=simulator.slack_api_url, session=session)


@pytest.fixture
async def channel(slack: AsyncWebClient) -> str:
    created = await slack.conversations_create(name="道路-中央区")
    found: str = created["channel"]["id"]
    return found


async def _refusal(call: Awaitable[object]) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def _hook(simulator: Simulator, receiver: Receiver, path: str, kind: str) -> Hook:
    async def found() -> Hook | None:
        for hook in receiver.at(path):
            if kind in (text(hook.json, "type"), text(child(hook.json, "event"), "type")):
                return hook
        return None

    hook = await simulator.until(found, what=f"{kind} at {path}")
    assert hook is not None
    return hook


async def _card(simulator: Simulator, slack: AsyncWebClient, channel: str) -> SlackMessage:
    posted = await slack.chat_postMessage(channel=channel, text="AB12-CD34", blocks=CARD)
    return next(each for each in await simulator.slack.messages(channel) if each.ts == posted["ts"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_signature_agrees_with_the_published_vectors(vector: dict[str, str]) -> None:
    made = signature(vector["secret"], vector["timestamp"], vector["body"].encode())
    assert (made == vector["signature"]) is bool(vector["valid"])


async def test_cards_are_posted_changed_and_threaded(simulator: Simulator, slack: AsyncWebClient, channel: str) -> None:
    card = await _card(simulator, slack, channel)
    await slack.chat_update(channel=channel, ts=card.ts, text="受付済み", blocks=CARD[:1])
    reply = await slack.chat_postMessage(channel=channel, thread_ts=card.ts, text="市民より &lt;b&gt;")
    thread = await slack.conversations_replies(channel=channel, ts=card.ts)

    assert [message["ts"] for message in thread["messages"]] == [card.ts, reply["ts"]]
    assert thread["messages"][0]["edited"]
    assert thread["messages"][0]["reply_count"] == 1
    history = await slack.conversations_history(channel=channel)
    assert [message["ts"] for message in history["messages"]] == [card.ts]
    await slack.reactions_add(channel=channel, timestamp=card.ts, name="white_check_mark")
    await slack.chat_delete(channel=channel, ts=reply["ts"])
    assert len(await simulator.slack.messages(channel)) == 1


async def test_refusals_carry_slacks_names(simulator: Simulator, slack: AsyncWebClient, channel: str) -> None:
    foreign = await simulator.slack.create_channel(OFFICER, "general")
    theirs = await simulator.slack.say(OFFICER, channel, "こんにちは")
    refusals = {
        "channel_not_found": slack.chat_postMessage(channel="C404", text="x"),
        "not_in_channel": slack.chat_postMessage(channel=foreign.id, text="x"),
        "no_text": slack.api_call("chat.postMessage", json={"channel": channel}),
        "msg_too_long": slack.chat_postMessage(channel=channel, text="a" * 40_001),
        "invalid_blocks": slack.chat_postMessage(channel=channel, text="x", blocks=[{"type": "marquee"}]),
        "message_not_found": slack.chat_update(channel=channel, ts="1.000001", text="x"),
        "cant_update_message": slack.chat_update(channel=channel, ts=theirs.ts, text="x"),
        "cant_delete_message": slack.chat_delete(channel=channel, ts=theirs.ts),
        "name_taken": slack.conversations_create(name="general"),
        "invalid_name_specials": slack.conversations_create(name="Roads!"),
        "invalid_name_maxlength": slack.conversations_create(name="a" * 81),
        "invalid_name_required": slack.conversations_create(name=""),
        "user_not_found": slack.users_info(user="U404"),
        "invalid_trigger_id": slack.views_open(trigger_id="1.2.3", view=MODAL),
        "invalid_arguments": slack.views_open(trigger_id="1.2.3", view=MODAL | {"blocks": []}),
        "thread_not_found": slack.chat_postMessage(channel=channel, thread_ts="1.000001", text="x"),
        "file_not_found": slack.files_info(file="F404"),
        "unknown_method": slack.api_call("machi.test"),
        "not_found": slack.views_update(view_id="V404", view=MODAL),
    }
    for name, call in refusals.items():
        assert await _refusal(call) == name
    assert [call.reason.split(" [")[0].split(" {")[0] for call in await simulator.refused()]
    assert len(await simulator.refused()) == len(refusals)


async def test_an_update_takes_fewer_words_than_a_message_and_counts_their_bytes(
    slack: AsyncWebClient, channel: str
) -> None:
    ts = str((await slack.chat_postMessage(channel=channel, text="字" * 2000))["ts"])
    assert (await slack.chat_update(channel=channel, ts=ts, text="字" * 1333))["ok"]
    assert await _refusal(slack.chat_update(channel=channel, ts=ts, text="字" * 1334)) == "msg_too_long"


async def test_a_wrong_token_is_refused(simulator: Simulator) -> None:
    assert await _refusal(AsyncWebClient("xoxb-other", base_url=simulator.slack_api_url).auth_test()) == "invalid_auth"


async def test_the_app_joins_channels_people_made(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver
) -> None:
    room = await simulator.slack.create_channel(OFFICER, "soudan")
    assert (await slack.conversations_info(channel=room.id))["channel"]["is_member"] is False
    await slack.conversations_join(channel=room.id)
    await slack.chat_postMessage(channel=room.id, text="参加しました")
    await simulator.slack.say(OFFICER, room.id, "<b> & よろしく")
    event = child((await _hook(simulator, receiver, "/slack/events", "message")).json, "event")
    assert event["channel"] == room.id


async def test_lists_come_in_pages(slack: AsyncWebClient) -> None:
    for at in range(5):
        await slack.conversations_create(name=f"desk-{at}")
    names: list[str] = []
    async for found in await slack.conversations_list(limit=2):
        names += [each["name"] for each in found["channels"]]
    assert names == [f"desk-{at}" for at in range(5)]
    assert await _refusal(slack.conversations_list(cursor="nonsense")) == "invalid_cursor"


async def test_one_message_a_second_and_channel(simulator: Simulator, slack: AsyncWebClient, channel: str) -> None:
    await simulator.hold_time()
    for _ in range(4):
        await slack.chat_postMessage(channel=channel, text="x")
    with pytest.raises(SlackApiError) as refused:
        await slack.chat_postMessage(channel=channel, text="x")
    assert (refused.value.response.status_code, refused.value.response["error"]) == (429, "ratelimited")
    assert refused.value.response.headers["Retry-After"] == "1"
    await simulator.advance(1)
    await slack.chat_postMessage(channel=channel, text="x")


async def test_updates_are_limited_by_their_tier(simulator: Simulator, slack: AsyncWebClient, channel: str) -> None:
    await simulator.hold_time()
    card = await _card(simulator, slack, channel)
    for _ in range(50):
        await slack.chat_update(channel=channel, ts=card.ts, text="x")
    assert await _refusal(slack.chat_update(channel=channel, ts=card.ts, text="x")) == "ratelimited"


async def test_a_button_reaches_the_app_and_opens_a_modal(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    card = await _card(simulator, slack, channel)
    assert (await simulator.slack.press(OFFICER, card, "acknowledge")).ok
    hook = await _hook(simulator, receiver, "/slack/interactivity", "block_actions")
    payload = hook.json
    stamp = hook.headers["x-slack-request-timestamp"]
    assert hook.headers["x-slack-signature"] == signature("simulated-slack-secret", stamp, hook.body)
    assert as_objects(payload["actions"])[0]["value"] == "case-1"
    assert as_objects(payload["actions"])[0]["block_id"] == "do"
    assert child(payload, "container")["message_ts"] == card.ts
    assert child(payload, "user")["id"] == OFFICER
    assert child(payload, "message")["blocks"] == card.blocks

    opened = await slack.views_open(trigger_id=text(payload, "trigger_id"), view=MODAL)
    again = slack.views_open(trigger_id=text(payload, "trigger_id"), view=MODAL)
    assert await _refusal(again) == "exchanged_trigger_id"
    view = (await simulator.slack.views(OFFICER))[0]
    assert view.id == opened["view"]["id"]

    receiver.answers = [(200, '{"response_action":"errors","errors":{"note":"詳しく"}}')]
    assert (await simulator.slack.submit(OFFICER, view, {"note": {"words": "a"}})).errors == {"note": "詳しく"}
    assert (await simulator.slack.submit(OFFICER, view, {"note": {"words": ""}})).status == 0
    assert (await simulator.slack.submit(OFFICER, view, {"note": {"words": "a" * 11}})).status == 0
    assert (await simulator.slack.submit(OFFICER, view, {"note": {"words": "埋めました"}})).ok
    assert await simulator.slack.views(OFFICER) == []
    submission = [each.json for each in receiver.at("/slack/interactivity")][-1]
    values = child(child(child(submission, "view"), "state"), "values")
    assert values == {"note": {"words": {"type": "plain_text_input", "value": "埋めました"}}}
    assert child(submission, "view")["private_metadata"] == "case-1"


async def test_a_trigger_lives_three_seconds(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    await simulator.slack.press(OFFICER, await _card(simulator, slack, channel), "acknowledge")
    payload = (await _hook(simulator, receiver, "/slack/interactivity", "block_actions")).json
    await simulator.advance(3)
    assert await _refusal(slack.views_open(trigger_id=text(payload, "trigger_id"), view=MODAL)) == "expired_trigger_id"


async def test_a_modal_can_be_updated_stacked_and_closed(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    card = await _card(simulator, slack, channel)
    await simulator.slack.press(OFFICER, card, "acknowledge")
    payload = (await _hook(simulator, receiver, "/slack/interactivity", "block_actions")).json
    opened = (await slack.views_open(trigger_id=text(payload, "trigger_id"), view=MODAL))["view"]
    assert await _refusal(slack.views_update(view_id=opened["id"], hash="old", view=MODAL)) == "hash_conflict"
    await slack.views_update(view_id=opened["id"], hash=opened["hash"], view=MODAL)
    view = (await simulator.slack.views(OFFICER))[0]

    receiver.answers = [(200, json.dumps({"response_action": "push", "view": MODAL}))]
    assert (await simulator.slack.submit(OFFICER, view, {"note": {"words": "a"}})).ok
    assert len(await simulator.slack.views(OFFICER)) == 2
    await simulator.slack.close(OFFICER, (await simulator.slack.views(OFFICER))[-1])
    await _hook(simulator, receiver, "/slack/interactivity", "view_closed")
    receiver.answers = [(200, json.dumps({"response_action": "clear"}))]
    assert (await simulator.slack.submit(OFFICER, view, {"note": {"words": "a"}})).ok
    assert await simulator.slack.views(OFFICER) == []


async def test_response_url_answers_five_times(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    await simulator.slack.press(OFFICER, await _card(simulator, slack, channel), "acknowledge")
    payload = (await _hook(simulator, receiver, "/slack/interactivity", "block_actions")).json
    statuses = []
    async with aiohttp.ClientSession() as session:
        for at in range(6):
            body = {"text": f"{at}", "replace_original": at == 1, "response_type": "ephemeral"}
            async with session.post(text(payload, "response_url"), json=body) as response:
                statuses.append(response.status)
    messages = await simulator.slack.messages(channel)
    assert statuses == [200] * 5 + [404]
    assert [message.text for message in messages if not message.seen_by] == ["1"]
    assert [message.text for message in messages if message.seen_by == OFFICER] == ["0", "2", "3", "4"]


async def test_thread_replies_and_slash_commands(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    card = await _card(simulator, slack, channel)
    await simulator.slack.say(OFFICER, channel, "a < b & c", card.ts)
    events = await _events(simulator, receiver, 2)
    said = next(event for event in events if event["user"] == OFFICER)
    assert (said["text"], said["thread_ts"], said["channel_type"]) == ("a &lt; b &amp; c", card.ts, "channel")

    receiver.answers = [(200, '{"text":"一件です"}')]
    assert (await simulator.slack.command(OFFICER, channel, "/machi", "list")).ok
    form = receiver.at("/slack/commands")[0].json
    assert (form["command"], form["text"], form["user_id"]) == ("/machi", "list", OFFICER)
    last = (await simulator.slack.messages(channel))[-1]
    assert (last.text, last.seen_by) == ("一件です", OFFICER)


async def _events(simulator: Simulator, receiver: Receiver, count: int) -> list[Json]:
    async def enough() -> bool:
        return len(receiver.at("/slack/events")) >= count

    await simulator.until(enough)
    return [as_object(hook.json["event"]) for hook in receiver.at("/slack/events")]


async def test_unanswered_events_come_again_with_their_number(
    simulator: Simulator, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    receiver.answers = [(500, "")] * 2
    await slack.chat_postMessage(channel=channel, text="x")
    await _events(simulator, receiver, 3)
    hooks = receiver.at("/slack/events")
    assert [hook.headers.get("x-slack-retry-num") for hook in hooks] == [None, "1", "2"]
    assert hooks[1].headers["x-slack-retry-reason"] == "http_error"
    assert len({text(hook.json, "event_id") for hook in hooks}) == 1


async def test_files_are_uploaded_in_three_steps(simulator: Simulator, slack: AsyncWebClient, channel: str) -> None:
    shared = await slack.files_upload_v2(channel=channel, filename="a.jpg", content=b"\xff\xd8jpeg", title="写真")
    file = shared["files"][0]["id"]
    assert (await simulator.slack.file(file)).body == b"\xff\xd8jpeg"
    assert (await slack.files_info(file=file))["file"]["mimetype"] == "image/jpeg"
    image: Json = {"type": "image", "slack_file": {"id": file}, "alt_text": "現場の写真"}
    await slack.chat_postMessage(channel=channel, text="x", blocks=[image])
    assert (await simulator.slack.messages(channel))[0].files == [file]


async def test_of_a_deleted_file_a_tombstone_is_left(slack: AsyncWebClient, channel: str) -> None:
    shared = await slack.files_upload_v2(channel=channel, filename="a.jpg", content=b"\xff\xd8jpeg", title="写真")
    file = shared["files"][0]["id"]
    await slack.files_delete(file=file)
    (message,) = (await slack.conversations_history(channel=channel))["messages"]
    assert message["files"] == [{"id": file, "mode": "tombstone"}]
    with pytest.raises(SlackApiError, match="file_not_found"):
        await slack.files_delete(file=file)


async def test_direct_messages_home_and_people(simulator: Simulator, slack: AsyncWebClient, receiver: Receiver) -> None:
    opened = await slack.conversations_open(users=OFFICER)
    posted = await slack.chat_postMessage(channel=OFFICER, text="あなた宛て")
    assert posted["channel"] == opened["channel"]["id"]
    assert await simulator.slack.home(OFFICER) is None
    await slack.views_publish(user_id=OFFICER, view={"type": "home", "blocks": CARD})
    home = await simulator.slack.home(OFFICER)
    assert home is not None
    assert home.content["type"] == "home"
    await simulator.slack.open_home(OFFICER)
    await _hook(simulator, receiver, "/slack/events", "app_home_opened")
    people = await slack.users_list()
    assert {each["id"] for each in people["members"]} >= {OFFICER}
    assert (await slack.users_info(user=OFFICER))["user"]["name"] == "道路担当"


@pytest.mark.parametrize("kind", ["status", "accept_then_hang"])
async def test_api_faults(simulator: Simulator, slack: AsyncWebClient, channel: str, kind: str) -> None:
    planned = {"path": "/slack/api/chat.*", "kind": kind, "status": 429, "retry_after": 7, "ms": 50}
    await simulator.plan(Fault.model_validate(planned))
    if kind == "status":
        with pytest.raises(SlackApiError) as refused:
            await slack.chat_postMessage(channel=channel, text="x")
        assert refused.value.response.headers["Retry-After"] == "7"
    else:
        await slack.chat_postMessage(channel=channel, text="x")
    assert len(await simulator.slack.messages(channel)) == (0 if kind == "status" else 1)


async def test_nothing_is_forgotten_over_a_restart(config: Config, receiver: Receiver) -> None:
    async with running(config) as simulator:
        await simulator.slack.add_user(OFFICER, "道路担当")
        slack = AsyncWebClient("xoxb-simulated", base_url=simulator.slack_api_url)
        channel = (await slack.conversations_create(name="road"))["channel"]["id"]
        card = await _card(simulator, slack, channel)
        before = await simulator.received()
    async with running(config) as simulator:
        slack = AsyncWebClient("xoxb-simulated", base_url=simulator.slack_api_url)
        assert await simulator.received() == before
        assert await simulator.slack.messages("road") == [card]
        assert (await simulator.slack.press(OFFICER, card, "acknowledge")).ok
        assert (await slack.chat_postMessage(channel=channel, text="x"))["ts"] > card.ts
    assert receiver.at("/slack/interactivity")


async def test_readiness_asks_both_webhooks(simulator: Simulator, receiver: Receiver) -> None:
    receiver.answers = [(200, ""), (200, "wrong")]
    ready = await simulator.ready()
    assert (ready.line, ready.slack) == (True, False)
    assert [hook.path for hook in receiver.hooks] == ["/line/webhook", "/slack/events"]
