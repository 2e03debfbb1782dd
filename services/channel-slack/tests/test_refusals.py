"""What Slack refuses until an administrator mends it loses nothing; a file kept elsewhere never gets our token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from slack_stand_ins import NoPace, QuietSlack

from machi.channel.v1.events_pb2 import InboundEvent
from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi.dialogue.v1.dialogue_service_pb2 import TurnResponse
from machi.dialogue.v1.messages_pb2 import Message, Text
from machi.identity.v1.identity_service_pb2 import Focus
from machi_channel_slack.adapters.slack_api import SlackApi
from machi_channel_slack.domain.cards import Mark, SlackMessage
from machi_channel_slack.ports import SlackUncertain
from machi_channel_slack.use_cases.answer_resident import AnswerResident
from machi_channel_slack.use_cases.deliver_message import DeliverMessage
from machi_channel_slack.use_cases.direct_messages import DirectMessages
from machi_channel_slack.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import Answered, NoPhoto, People, Turns, Writer
from machi_sdk.deliveries import Attempt, NotTaken, Outcome, Refused
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import PendingEvent
from machi_sdk.settings import SlackSettings

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SAID = [Message(text=Text(text="直りました"))]


def refusing(refusal: str) -> QuietSlack:
    slack = QuietSlack(ManualClock(NOW))
    slack.refusing = refusal
    return slack


@dataclass
class Reach:
    """`machi_sdk.conversation.People`, of whom can be reached."""

    away: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    silent: bool = False

    async def reachable(self, tenant: str, event: InboundEvent) -> None:
        if self.silent:
            raise Unavailable("peer-down")
        (self.away if event.HasField("unfollowed") else self.back).append(event.address)


def an_outlet(refusal: str) -> tuple[DeliverMessage, Reach]:
    people = Reach()
    directs = DirectMessages(refusing(refusal), NoPace())
    return DeliverMessage(directs, cast("People", people), ManualClock(NOW)), people


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        ("token_revoked", NotTaken("slack-token-revoked")),
        ("missing_scope", NotTaken("slack-missing-scope")),
        ("restricted_action_read_only_channel", NotTaken("slack-restricted-action-read-only-channel")),
        ("user_not_found", Refused("slack-user-not-found")),
    ],
)
async def test_a_delivery_waits_for_an_administrator(refusal: str, outcome: Outcome) -> None:
    request = DeliveryRequested(delivery_id="d-1", messages=SAID)
    outlet, _ = an_outlet(refusal)
    assert await outlet.deliver(Attempt("fukuoka", "T1/U1", request, None)) == outcome


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        *((each, ["T1/U1"]) for each in ("user_not_found", "user_disabled", "cannot_dm_bot", "channel_not_found")),
        *((each, []) for each in ("invalid_blocks", "token_revoked", "user_is_restricted")),
    ],
)
async def test_only_a_refusal_that_names_the_person_says_that_they_cannot_be_reached(
    refusal: str, told: list[str]
) -> None:
    outlet, people = an_outlet(refusal)
    await outlet.deliver(Attempt("fukuoka", "T1/U1", DeliveryRequested(delivery_id="d-1", messages=SAID), None))
    assert people.away == told


async def test_while_nobody_can_be_told_that_the_person_is_gone_the_delivery_is_tried_again() -> None:
    outlet, people = an_outlet("user_disabled")
    people.silent = True
    attempt = Attempt("fukuoka", "T1/U1", DeliveryRequested(delivery_id="d-1", messages=SAID), None)
    assert await outlet.deliver(attempt) == NotTaken("peer-down")
    people.silent = False
    assert await outlet.deliver(attempt) == Refused("slack-user-disabled")
    assert people.away == ["T1/U1"]


@dataclass
class Pending:
    """`machi_sdk.inbound.PendingEvent` of words to the app."""

    tenant: str = "fukuoka"
    reply_mark: str = ""
    received_at: datetime = NOW
    event: InboundEvent = field(default_factory=lambda: InboundEvent(event_id="Ev1", address="T1/U1"))
    ends: list[tuple[str, str]] = field(default_factory=list)

    async def mark_replying(self, mark: str) -> None:
        self.reply_mark = mark

    async def mark(self, state: str, reason: str = "") -> None:
        self.ends.append((state, reason))


class Answers:
    """`machi_sdk.conversation.Turns` whose pod has answered before."""

    def __init__(self, *, reachable: bool = True) -> None:
        self.people = Reach()
        self.openings = SimpleNamespace(by_role=lambda _: None)
        self._writer = Writer("c-1", "ja", Focus(), reachable=reachable)

    async def answer(self, pending: PendingEvent, content: object) -> Answered:
        return Answered(self._writer, TurnResponse(messages=SAID))


@pytest.mark.parametrize("reachable", [True, False])
async def test_who_writes_again_can_be_reached_again_and_identity_is_told_only_then(reachable: bool) -> None:
    slack, turns = refusing(""), Answers(reachable=reachable)
    directs = {"fukuoka": DirectMessages(slack, NoPace())}
    answering = AnswerResident({"fukuoka": slack}, directs, cast("Turns", turns), TEXTS)
    await answering.handle(cast("PendingEvent", Pending()))
    assert turns.people.back == ([] if reachable else ["T1/U1"])


async def test_an_answer_waits_for_an_administrator() -> None:
    slack, pending = refusing("token_revoked"), Pending()
    directs = {"fukuoka": DirectMessages(slack, NoPace())}
    answering = AnswerResident({"fukuoka": slack}, directs, cast("Turns", Answers()), TEXTS)
    with pytest.raises(Unavailable, match="slack-token-revoked"):
        await answering.handle(cast("PendingEvent", pending))
    assert pending.ends == []
    slack.refusing = "cannot_reply_to_message"
    await answering.handle(cast("PendingEvent", pending))
    assert pending.ends == [("failed", "slack-cannot-reply-to-message")]


@asynccontextmanager
async def answering(app: web.Application) -> AsyncIterator[SlackApi]:
    """Slack's web API, answered by an application below `/api/`."""
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        secret, address = SecretStr("xoxb-1"), str(server.make_url("/api/"))
        settings = SlackSettings(api_url=address, signing_secret=secret, bot_token=secret, team_id="T1")
        yield SlackApi(settings, session)


@asynccontextmanager
async def workspace(**answer: object) -> AsyncIterator[tuple[SlackApi, list[str]]]:
    """A workspace that says this of every file, and who was asked for one."""
    asked: list[str] = []

    async def info(request: web.Request) -> web.Response:
        if isinstance(file := answer.get("file"), dict):
            file["url_private"] = f"http://{request.host}/files/a.jpg"
        return web.json_response(answer)

    async def kept(request: web.Request) -> web.Response:
        asked.append(request.headers.get("authorization", ""))
        return web.Response(body=b"\xff\xd8\xff", content_type="image/jpeg")

    app = web.Application()
    app.add_routes([web.get("/api/files.info", info), web.get("/files/{name}", kept)])
    async with answering(app) as slack:
        yield slack, asked


@pytest.mark.parametrize("file", [{"is_external": True}, {"mode": "external"}], ids=["is-external", "mode"])
async def test_our_token_goes_to_no_file_that_is_kept_elsewhere(file: dict[str, object]) -> None:
    async with workspace(ok=True, file=file) as (slack, asked):
        with pytest.raises(NoPhoto):
            await slack.photo("F1")
    assert asked == []


async def test_a_file_that_slack_keeps_is_fetched_with_our_token() -> None:
    async with workspace(ok=True, file={"mode": "hosted", "is_external": False}) as (slack, asked):
        content_type, chunks = await slack.photo("F1")
        assert (content_type, b"".join([chunk async for chunk in chunks])) == ("image/jpeg", b"\xff\xd8\xff")
    assert asked == ["Bearer xoxb-1"]


async def test_a_photo_waits_until_we_may_read_it() -> None:
    async with workspace(ok=False, error="missing_scope") as (slack, _):
        with pytest.raises(Unavailable, match="slack-missing-scope"):
            await slack.photo("F1")
    async with workspace(ok=False, error="file_deleted") as (slack, _):
        with pytest.raises(NoPhoto):
            await slack.photo("F1")


async def test_a_list_of_many_channels_goes_on_where_slack_wanted_a_rest() -> None:
    """Twenty pages a minute: a list that began anew would never come to its end."""
    asked: list[tuple[object, str]] = []

    async def listed(request: web.Request) -> web.Response:
        given = {**request.query, **await request.post()}
        cursor = str(given.get("cursor", ""))
        asked.append((given["types"], cursor))
        if len(asked) == 2:
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "0.1"})
        page = {"ok": True, "channels": [{"id": f"C{len(asked)}", "name": f"room-{cursor or 1}", "is_member": True}]}
        return web.json_response(page | {"response_metadata": {"next_cursor": "" if cursor else "2"}})

    app = web.Application()
    app.add_routes([web.get("/api/conversations.list", listed), web.post("/api/conversations.list", listed)])
    async with answering(app) as slack:
        assert sorted(await slack.channels()) == ["room-1", "room-2"]
    public, private = "public_channel", "private_channel"
    assert asked == [(public, ""), (public, "2"), (public, "2"), (private, ""), (private, "2")]


async def test_a_thread_is_searched_from_the_moment_of_the_first_try_on() -> None:
    """Slack tells a thread from its beginning, some pages at most: what was said last would not be found."""
    oldest: list[object] = []

    async def replies(request: web.Request) -> web.Response:
        oldest.append({**request.query, **await request.post()}["oldest"])
        return web.json_response({"ok": True, "messages": []})

    app = web.Application()
    app.add_routes([web.route("*", "/api/conversations.replies", replies)])
    async with answering(app) as slack:
        assert await slack.find("C1", Mark("a", {}, ""), NOW, "1.0") == ""
    assert oldest == [f"{NOW.timestamp() - 600:.6f}"], "clocks may differ by ten minutes"


@pytest.mark.parametrize("body", ["[1]", '"ok"', "1", "true"])
async def test_json_that_is_no_answer_leaves_it_open_what_was_done(body: str) -> None:
    async def odd(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    app = web.Application()
    app.add_routes([web.post("/api/{method}", odd)])
    async with answering(app) as slack:
        with pytest.raises(SlackUncertain):
            await slack.open_view("trigger", {"type": "modal"}, 5)
        with pytest.raises(SlackUncertain):
            await slack.update("C1", "1.0", SlackMessage("a", ()))


async def test_of_blocks_that_slack_refuses_the_text_is_shown() -> None:
    shown: list[tuple[str, object, object]] = []

    async def strict(request: web.Request) -> web.Response:
        given = await request.json()
        blocks = given["blocks"]
        shown.append((request.match_info["method"], given["text"], len(blocks)))
        return web.json_response({"ok": not blocks, "error": "invalid_blocks", "ts": "2.0"})

    app = web.Application()
    app.add_routes([web.post("/api/{method}", strict)])
    message = SlackMessage("words", ({"type": "odd"},))
    async with answering(app) as slack:
        assert await slack.post("C1", message) == "2.0"
        await slack.update("C1", "2.0", message)
    posted, updated = ("chat.postMessage", "words"), ("chat.update", "words")
    assert shown == [(*posted, 1), (*posted, 0), (*updated, 1), (*updated, 0)]
