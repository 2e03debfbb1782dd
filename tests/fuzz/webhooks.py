"""The webhooks as a platform reaches them: signed bytes into the real endpoint, out comes a documented answer."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import cast

from pydantic import SecretStr
from starlette.requests import Request

from machi.dialogue.v1.desk_card_pb2 import ChoiceField, Form, FormField, WordsField
from machi.dialogue.v1.messages_pb2 import Option
from machi_channel_line.entrypoints.webhook import Door as LineDoor
from machi_channel_line.entrypoints.webhook import WebhookEndpoint
from machi_channel_slack.domain.cards import CardKey
from machi_channel_slack.entrypoints.door import Door as SlackDoor
from machi_channel_slack.entrypoints.forms import Forms
from machi_channel_slack.entrypoints.webhooks import Webhooks
from machi_channel_slack.ports import Cards, Desks
from machi_sdk.clock import ManualClock
from machi_sdk.envelope import decode, wire_headers
from machi_sdk.errors import MachiError
from machi_sdk.http import Endpoint, problem
from machi_sdk.inbound import EarlierMessages, Entrance
from machi_sdk.producer import Producer, Record
from machi_sdk.settings import LineSettings, Settings, SlackSettings

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
CLOCK = ManualClock(NOW)
SECRET = "a-secret"
DESTINATION, TEAM = "Ubot", "T0FUZZ"
LINE_ANSWERS = frozenset({200, 400, 404, 413})
SLACK_ANSWERS = frozenset({200, 400, 403, 413})


class ReadBack(Producer):
    """Takes a record to where its consumer would read it, and no further."""

    async def put(self, record: Record, timeout: float) -> None:  # noqa: ASYNC109 (the base class names it)
        """Write, then read."""
        decode(record.topic, record.key.encode(), wire_headers(record.headers), record.payload)


class OneForm:
    """Cards, of which every card's action has a form."""

    async def form(self, _key: CardKey, _action_id: str) -> Form:
        """A field of words, and a choice."""
        choice = FormField(field_id="kind", choice=ChoiceField(options=[Option(option_id="a", label="A")]))
        return Form(title="A", fields=[FormField(field_id="words", words=WordsField(maximum=100)), choice])


class NoStaff:
    """A city hall in which nobody works."""

    async def staff(self, _tenant: str, _address: str, _seconds: float) -> None:
        """Nobody."""


class OfNobody:
    """Messages of whom nobody knows who sent them."""

    async def address(self, _tenant: str, _message_id: str) -> str:
        """Nobody's."""
        return ""


def _entrance(channel: str) -> Entrance:
    producer = ReadBack(Settings(), channel, CLOCK)
    return Entrance(channel, f"machi.{channel}.inbound.v1", producer, lambda address: address, lambda: 0.0)


@cache
def _line() -> WebhookEndpoint:
    settings = LineSettings(
        channel_secret=SecretStr(SECRET), channel_access_token=SecretStr("t"), bot_user_id=DESTINATION
    )
    return WebhookEndpoint(LineDoor({"fukuoka": settings}, _entrance("line"), CLOCK, dict))


@cache
def _slack() -> Webhooks:
    settings = SlackSettings(signing_secret=SecretStr(SECRET), bot_token=SecretStr("t"), team_id=TEAM)
    door = SlackDoor({"fukuoka": settings}, _entrance("slack"), CLOCK, dict)
    forms = Forms(door, {}, cast("Cards", OneForm()), cast("Desks", NoStaff()), "again")
    return Webhooks(door, forms, cast("EarlierMessages", OfNobody()), "heard")


def _posted(endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer, a declared error being one."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def ask() -> int:
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": named}
        return (await endpoint(Request(scope, receive))).status_code

    try:
        return asyncio.run(ask())
    except MachiError as error:
        return problem(error).status_code


def line_webhook(body: bytes) -> None:
    """A body of LINE's, signed."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    status = _posted(_line(), body, {"x-line-signature": base64.b64encode(digest).decode()})
    assert status in LINE_ANSWERS, status


def _slack_request(address: str, body: bytes) -> None:
    moment = str(int(NOW.timestamp()))
    digest = hmac.new(SECRET.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": moment, "x-slack-signature": f"v0={digest}"}
    endpoint: Endpoint = getattr(_slack(), address)
    status = _posted(endpoint, body, headers)
    assert status in SLACK_ANSWERS, status


slack_events = partial(_slack_request, "events")
slack_interactivity = partial(_slack_request, "interactivity")
slack_commands = partial(_slack_request, "commands")
