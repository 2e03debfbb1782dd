"""What officers do in Slack reaches the card's pod once; strangers reach nothing."""

import time
from pathlib import Path

import aiohttp
import asyncpg
import orjson
import pytest
from pydantic import SecretStr
from samples import SAID, WORDS
from slack_city import OFFICER, SERVICE, STRANGER, SlackCity

from machi_channel_slack.wiring import assemble
from machi_sdk.clock import SystemClock
from machi_sdk.manifest import load_manifest
from machi_sdk.service import Pod
from machi_sdk.testing import LocalRelease, PodDatabase
from machi_sdk.work import Work
from machi_simulator.config import Config
from machi_simulator.faults import Fault
from machi_simulator.slack.outgoing import signature

pytestmark = pytest.mark.integration

SECRET = Config().slack_signing_secret
FORM = "application/x-www-form-urlencoded"


async def test_a_press_is_a_turn_by_the_officer_who_hears_what_came_of_it(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    assert (await city.simulator.slack.press(OFFICER, message, "acknowledge")).ok
    (turn,) = await city.turned(1)
    assert (turn.card_press.card_id, turn.card_press.desk_id, turn.card_press.action_id) == (
        "card-1",
        "lighting",
        "acknowledge",
    )
    assert (turn.staff.staff_id, turn.channel, turn.language) == ("s-1", "slack", "ja")
    assert await city.told(OFFICER, 1) == ["できました 花田 &lt;&amp;&gt;"]


async def test_a_form_is_checked_before_it_counts(city: SlackCity) -> None:
    slack = city.simulator.slack
    await city.announce(1)
    assert (await slack.press(OFFICER, await city.shown(1), "resolve")).ok
    (view,) = await slack.views(OFFICER)
    refused = await slack.submit(OFFICER, view, {"words": {"words": "   "}})
    assert (refused.ok, refused.errors) == (False, {"words": SAID["ja"][-1].replace("{length}", "0")})
    assert city.lamps.turns == []
    assert (await slack.submit(OFFICER, view, {"words": {"words": WORDS}})).ok
    assert await slack.views(OFFICER) == []
    (turn,) = await city.turned(1)
    assert dict(turn.card_press.values) == {"words": WORDS, "desk": ""}
    assert (turn.card_press.action_id, turn.card_press.version) == ("resolve", 1)
    assert await city.told(OFFICER, 1)


async def test_a_form_of_a_card_without_a_place_is_answered_once_there_is_one(
    city: SlackCity, database: PodDatabase
) -> None:
    slack = city.simulator.slack
    await city.announce(1)
    assert (await slack.press(OFFICER, await city.shown(1), "resolve")).ok
    (view,) = await slack.views(OFFICER)
    owner = await asyncpg.connect(database.owner_url)
    place = await owner.fetchval("SELECT channel_id FROM cards")
    await owner.execute("UPDATE cards SET channel_id = ''")
    assert (await slack.submit(OFFICER, view, {"words": {"words": WORDS}})).ok
    await city.turned(1)
    await owner.execute("UPDATE cards SET channel_id = $1", place)
    assert await city.told(OFFICER, 1)
    assert len(city.lamps.turns) == 1
    assert await city.simulator.refused() == []
    await owner.close()


async def test_a_form_opens_while_identity_is_silent(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    city.identity.down = True
    assert (await city.simulator.slack.press(OFFICER, message, "resolve")).ok
    assert len(await city.simulator.slack.views(OFFICER)) == 1


async def test_strangers_are_told_so_and_nothing_else_happens(city: SlackCity) -> None:
    slack = city.simulator.slack
    await city.announce(1)
    message = await city.shown(1)
    for action in ("acknowledge", "resolve"):
        assert (await slack.press(STRANGER, message, action)).ok
    await slack.say(STRANGER, message.channel, "何の件?", message.ts)
    said = await city.told(STRANGER, 3)
    assert all("登録されていない" in words for words in said)
    assert await slack.views(STRANGER) == []
    assert city.lamps.turns == []


async def test_a_stranger_is_told_even_when_slack_wants_a_rest(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    await city.simulator.plan(Fault(path="/slack/response/*", kind="status", status=429, count=2))
    assert (await city.simulator.slack.press(STRANGER, message, "acknowledge")).ok
    (words,) = await city.told(STRANGER, 1)
    assert "登録されていない" in words


async def test_words_in_the_thread_arrive_exactly_and_once(city: SlackCity) -> None:
    slack = city.simulator.slack
    await city.announce(1)
    message = await city.shown(1)
    await city.simulator.plan(Fault(path="webhook/slack/events", kind="duplicate", count=3))
    await slack.say(OFFICER, message.channel, WORDS, message.ts)
    await slack.say(OFFICER, message.channel, "not in the thread")
    (turn,) = await city.turned(1)
    assert turn.card_reply.text == WORDS
    assert turn.card_reply.card_id == "card-1"
    (event,) = await city.replies_delivered(2)
    await city.simulator.redeliver(event.id)
    await city.replies_delivered(3)
    # Kept behind all three deliveries: were they three events, this would not be the second.
    await slack.say(OFFICER, message.channel, "二つ目", message.ts)
    assert [each.card_reply.text for each in await city.turned(2)] == [WORDS, "二つ目"]
    assert {each.status for hook in await city.simulator.webhooks("slack") for each in hook.attempts} == {200}


async def test_words_in_the_thread_of_a_card_in_doubt_wait_for_it(city: SlackCity) -> None:
    await city.simulator.plan(Fault(path="/slack/api/chat.postMessage", kind="accept_then_reset"))
    await city.simulator.plan(Fault(path="/slack/api/conversations.history", kind="status", status=500, count=2))
    await city.announce(1)
    (message,) = await city.simulator.until(city.cards, what="the card stands there")
    other = await city.simulator.slack.say(OFFICER, message.channel, "雑談です")
    await city.simulator.slack.say(OFFICER, message.channel, WORDS, message.ts)
    await city.simulator.slack.say(OFFICER, message.channel, "雑談のつづき", other.ts)
    (turn,) = await city.turned(1)
    assert turn.card_reply.text == WORDS
    await city.shown(1)
    await city.simulator.slack.say(OFFICER, message.channel, "二つ目", message.ts)
    assert [each.card_reply.text for each in await city.turned(2)] == [WORDS, "二つ目"]


async def _post(url: str, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    at = str(int(time.time()))
    signed = {"x-slack-request-timestamp": at, "x-slack-signature": signature(SECRET, at, body)}
    sent = {**signed, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/{path}", data=body, headers=sent) as response,
    ):
        return response.status, await response.read()


async def test_bad_input_is_refused_or_ignored_and_never_a_server_error(city: SlackCity) -> None:
    def event(**more: object) -> bytes:
        return orjson.dumps({"type": "event_callback", "team_id": "T0MACHI", "event_id": "Ev1", "event": {}} | more)

    def pressed(**more: object) -> bytes:
        payload = {"type": "block_actions", "team": {"id": "T0MACHI"}, "user": {"id": OFFICER}} | more
        return b"payload=" + orjson.dumps(payload).replace(b"%", b"%25").replace(b"&", b"%26").replace(b"+", b"%2B")

    challenge = orjson.dumps({"type": "url_verification", "challenge": "abc"})
    expected: list[tuple[int, str, bytes, dict[str, str]]] = [
        (200, "events", challenge, {}),
        (401, "events", challenge, {"x_slack_signature": "v0=00"}),
        (401, "events", challenge, {"x_slack_request_timestamp": str(int(time.time()) - 400)}),
        (413, "events", b"x" * 1_000_001, {}),
        (400, "events", b"no json", {}),
        (400, "events", b"\xff\xfe", {}),
        (400, "events", b"[]", {}),
        (400, "events", event(), {}),
        (403, "events", event(team_id="T0OTHER"), {}),
        (200, "events", event(event={"type": "reaction_added"}), {}),
        (200, "events", event(event={"type": "message", "subtype": "message_changed", "user": "U1"}), {}),
        (200, "events", event(event={"type": "message", "bot_id": "B1", "user": "U1"}), {}),
        (200, "events", orjson.dumps({"type": "app_rate_limited"}), {}),
        (400, "interactivity", b"payload=", {"content_type": FORM}),
        (400, "interactivity", b"payload=%5B%5D", {"content_type": FORM}),
        (403, "interactivity", pressed(team={"id": "T0OTHER"}), {"content_type": FORM}),
        (200, "interactivity", pressed(type="shortcut"), {"content_type": FORM}),
        (200, "interactivity", pressed(), {"content_type": FORM}),
        (401, "interactivity", b"ssl_check=1", {"x_slack_signature": ""}),
        (200, "interactivity", b"ssl_check=1", {"content_type": FORM}),
        (200, "commands", b"command=/machi&team_id=T0MACHI&user_id=U1", {"content_type": FORM}),
        (400, "commands", b"text=", {"content_type": FORM}),
    ]
    found = [(await _post(city.url, path, body, **headers))[0] for _, path, body, headers in expected]
    assert found == [status for status, *_ in expected]
    assert orjson.loads((await _post(city.url, "events", challenge))[1]) == {"challenge": "abc"}
    assert city.lamps.turns == []


async def test_while_kafka_is_away_slack_is_asked_to_come_again(database: PodDatabase, tmp_path: Path) -> None:
    async with LocalRelease(tmp_path) as release:
        token = SecretStr(Config().slack_bot_token)
        slack = {"slack_signing_secret": SecretStr(SECRET), "slack_bot_token": token, "slack_team_id": "T0MACHI"}
        settings = release.settings("channel-slack", database.url).model_copy(update=slack)
        pod = Pod(settings, load_manifest(SERVICE / "service.yaml"), SystemClock())
        await assemble(pod)
        await pod.start()
        try:
            message = {"type": "message", "user": "U1", "channel": "C1", "ts": "2.0", "thread_ts": "1.0", "text": "x"}
            body = {"type": "event_callback", "team_id": "T0MACHI", "event_id": "Ev1", "event": message}
            began = time.monotonic()
            status, _ = await _post(f"http://127.0.0.1:{pod.http.port}/slack", "events", orjson.dumps(body))
            assert (status, time.monotonic() - began < 2.0) == (503, True)
        finally:
            await pod.drain()


async def test_who_gets_no_form_is_asked_to_press_again(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    await city.simulator.plan(Fault.model_validate({"path": "/slack/api/views.open", "kind": "status", "status": 500}))
    assert (await city.simulator.slack.press(OFFICER, message, "resolve")).ok
    assert "もう一度押してください" in (await city.told(OFFICER, 1))[0]
    assert city.lamps.turns == []


async def test_staff_of_another_desk_get_no_form(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    city.identity.officer.desk_ids[:] = ["parks"]
    assert (await city.simulator.slack.press(OFFICER, message, "resolve")).ok
    assert await city.simulator.slack.views(OFFICER) == []
    (turn,) = await city.turned(1)
    assert list(turn.staff.desk_ids) == ["parks"]


async def test_who_is_mentioned_reaches_the_resident_by_name_and_never_by_id(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    words = f"<@{OFFICER}> <@U0NOBODY> <!subteam^S0ABC> <#{message.channel}> <#C0BB>"
    base = {"type": "message", "user": OFFICER, "channel": message.channel, "ts": "9.1", "thread_ts": message.ts}
    frame = {"type": "event_callback", "team_id": "T0MACHI", "event_id": "Ev1"}
    assert (await _post(city.url, "events", orjson.dumps({**frame, "event": {**base, "text": words}})))[0] == 200
    (turn,) = await city.turned(1)
    assert turn.card_reply.text == "@花田 @（同僚） @（グループ） #lighting #（別のチャンネル）"


async def test_who_deletes_words_hears_that_the_resident_has_them_and_only_of_those_passed_on(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    base = {"type": "message", "channel": message.channel, "thread_ts": message.ts}
    ours, theirs = {**base, "user": OFFICER, "ts": "9.1"}, {**base, "user": STRANGER, "ts": "9.2"}
    frame = {"type": "event_callback", "team_id": "T0MACHI"}
    gone = {"type": "message", "subtype": "message_deleted", "channel": message.channel}

    async def happens(event_id: str, event: object) -> None:
        assert (await _post(city.url, "events", orjson.dumps({**frame, "event_id": event_id, "event": event})))[
            0
        ] == 200

    for said in (theirs, ours):
        await happens(f"Said{said['user']}", {**said, "text": "直りました"})
    await city.told(OFFICER, 1)
    for said in (theirs, ours):
        before = {**said, "text": "直りました"}
        await happens(f"Gone{said['user']}", {**gone, "deleted_ts": said["ts"], "previous_message": before})

    async def all_ended() -> bool:
        async with city.pod.works(Work).begin("") as work:
            ended: int = await work.db.fetchval(
                "SELECT count(*) FROM inbound_events WHERE state IN ('done', 'ignored')"
            )
        return ended == 4

    await city.simulator.until(all_ended, what="all four are handled")
    assert "すでに市民に届いた文面は取り消せません" in (await city.told(OFFICER, 2))[1]
    async with city.pod.works(Work).begin("") as work:
        passed_over = await work.db.fetch("SELECT event_id FROM inbound_events WHERE reason = 'not-passed-on'")
    assert [row["event_id"] for row in passed_over] == [f"Gone{STRANGER}"], "what nobody got is as good as never said"
    assert len(city.lamps.turns) == 1


async def test_who_edits_or_sends_pictures_hears_that_no_resident_gets_them(city: SlackCity) -> None:
    await city.announce(1)
    message = await city.shown(1)
    base = {"type": "message", "user": OFFICER, "channel": message.channel, "ts": "9.1", "thread_ts": message.ts}
    after = {**base, "text": "直しました", "edited": {"user": OFFICER, "ts": "9.2"}}
    edit = {"type": "message", "subtype": "message_changed", "channel": message.channel, "ts": "9.2"}
    edit |= {"message": after, "previous_message": {**base, "text": "直しまし"}}  # type: ignore[dict-item]
    picture = {**base, "ts": "9.3", "subtype": "file_share", "text": "こちらです", "files": [{"id": "F1"}]}
    frame = {"type": "event_callback", "team_id": "T0MACHI"}
    for event_id, event in (("Ev1", edit), ("Ev1", edit), ("Ev2", picture), ("Ev2", picture)):
        body = orjson.dumps({**frame, "event_id": event_id, "event": event})
        assert (await _post(city.url, "events", body))[0] == 200
    said = await city.told(OFFICER, 3)
    assert sum("すでに届いた文面があれば" in words for words in said) == 1, "nobody got this one"
    assert sum("写真やファイルは市民に届きません" in words for words in said) == 1
    (turn,) = city.lamps.turns
    assert turn.card_reply.text == "こちらです", "words that came with a picture go their way"
    assert len(await city.whispers(OFFICER)) == 3
