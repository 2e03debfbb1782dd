"""One Slack app can be installed in the workspaces of several tenants: the body says of which a request comes."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urlencode

import orjson
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_slack.entrypoints.door import Door
from machi_channel_slack.entrypoints.forms import Forms
from machi_channel_slack.entrypoints.webhooks import Webhooks
from machi_channel_slack.ports import Cards, Desks
from machi_sdk.clock import ManualClock
from machi_sdk.conversation.press import ControlPress, encode
from machi_sdk.http import Endpoint
from machi_sdk.inbound import EarlierMessages, Entrance
from machi_sdk.settings import SlackSettings

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SHARED, OWN = "one app's secret", "another app's secret"
EVENT = {"type": "message", "channel_type": "im", "user": "U1", "channel": "D1", "ts": "1.0", "text": "街灯"}


class Kept:
    """`machi_sdk.inbound.Entrance`: tenant and address of what went in."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.ids: list[str] = []

    async def store(self, event: InboundEvent, tenant: str) -> None:
        self.events.append((tenant, event.address))
        self.ids.append(event.event_id)


class Earlier:
    """`machi_sdk.inbound.earlier.EarlierMessages`, which knows one message."""

    async def address(self, tenant: str, message_id: str) -> str:
        return "T1/U1" if (tenant, message_id) == ("fukuoka", "D1/1.0") else ""


def webhooks(kept: Kept) -> Webhooks:
    def workspace(secret: str, team: str) -> SlackSettings:
        return SlackSettings(signing_secret=SecretStr(secret), bot_token=SecretStr("t"), team_id=team)

    workspaces = {
        "fukuoka": workspace(SHARED, "T1"),
        "kitakyushu": workspace(SHARED, "T2"),
        "kurume": workspace(OWN, "T3"),
    }
    door = Door(workspaces, cast("Entrance", kept), ManualClock(NOW), dict)
    return Webhooks(
        door,
        Forms(door, {}, cast("Cards", None), cast("Desks", None), "again"),
        cast("EarlierMessages", Earlier()),
        "heard",
    )


async def posted(kept: Kept, path: str, body: bytes, secret: str = SHARED, ago: int = 0) -> int:
    return (await answered(kept, path, body, secret, ago)).status_code


async def answered(kept: Kept, path: str, body: bytes, secret: str = SHARED, ago: int = 0) -> Response:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    moment = str(int(NOW.timestamp()) - ago)
    digest = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": moment, "x-slack-signature": f"v0={digest}"} if secret else {}
    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": named}
    endpoint: Endpoint = getattr(webhooks(kept), path)
    return await endpoint(Request(scope, receive))


def bodies(team: str) -> dict[str, bytes]:
    """A request to each address, of a workspace."""
    press = {"type": "button", "action_id": "help", "action_ts": "2.0", "value": encode(ControlPress("", "help"))}
    payload = {"type": "block_actions", "team": {"id": team}, "user": {"id": "U1"}, "actions": [press]}
    payload |= {"channel": {"id": "D1"}}
    return {
        "events": orjson.dumps({"type": "event_callback", "team_id": team, "event_id": "Ev1", "event": EVENT}),
        "interactivity": urlencode({"payload": orjson.dumps(payload).decode()}).encode(),
        "commands": urlencode({"command": "/machi", "team_id": team, "user_id": "U1"}).encode(),
    }


@pytest.mark.parametrize("path", ["events", "interactivity", "commands"])
async def test_the_workspace_that_a_request_names_gets_it(path: str) -> None:
    kept = Kept()
    for team in ("T2", "T1"):
        assert await posted(kept, path, bodies(team)[path]) == 200
    assert kept.events == [("kitakyushu", "T2/U1"), ("fukuoka", "T1/U1")]


@pytest.mark.parametrize("path", ["events", "interactivity", "commands"])
async def test_a_workspace_of_another_app_is_refused(path: str) -> None:
    kept = Kept()
    assert await posted(kept, path, bodies("T3")[path]) == 403
    assert await posted(kept, path, bodies("T1")[path], OWN) == 403
    assert await posted(kept, path, bodies("T3")[path], "nobody's") == 401
    assert kept.events == []


@pytest.mark.parametrize(("headers", "outcome"), [(True, "bad-signature"), (False, "unsigned")])
async def test_who_does_not_sign_at_all_is_told_from_a_wrong_secret(headers: bool, outcome: str) -> None:
    """Scanners sign nothing; a signature that is wrong is Slack's own, by a secret that the pod does not have."""

    def counted() -> float:
        return REGISTRY.get_sample_value("machi_webhooks_total", {"channel": "slack", "outcome": outcome}) or 0.0

    before = counted()
    answer = await answered(Kept(), "events", bodies("T1")["events"], "nobody's" if headers else "")
    assert (answer.status_code, counted() - before) == (401, 1.0)


async def test_an_address_is_verified_without_a_workspace() -> None:
    assert await posted(Kept(), "events", orjson.dumps({"type": "url_verification", "challenge": "abc"})) == 200


async def test_one_odd_letter_costs_no_event() -> None:
    kept = Kept()
    event = bodies("T1")["events"].replace("街灯".encode(), b"\\ud83d")
    press = bodies("T1")["interactivity"].replace(b"T1", b"T1%22%2C+%22name%22%3A+%22%5Cud83d")
    assert await posted(kept, "events", event) == 200
    assert await posted(kept, "interactivity", press) == 200
    assert len(kept.events) == 2


@pytest.mark.parametrize("body", [b"", b"nul", b"\xff", b"[]", b"[" * 100_000, b'{"type": "url_verification"}'])
async def test_what_is_no_event_is_refused(body: bytes) -> None:
    assert await posted(Kept(), "events", body) == 400


@pytest.mark.parametrize("path", ["events", "interactivity"])
async def test_what_is_taken_is_answered_without_a_body(path: str) -> None:
    """A form closes on nothing else."""
    answer = await answered(Kept(), path, bodies("T1")[path])
    assert (answer.status_code, answer.body) == (200, b"")


async def test_in_a_shared_channel_the_workspace_that_installed_us_gets_it() -> None:
    kept = Kept()
    event = orjson.loads(bodies("T9")["events"]) | {"authorizations": [{"team_id": "T2", "is_bot": True}]}
    assert await posted(kept, "events", orjson.dumps(event)) == 200
    view = {"type": "view_submission", "team": {"id": "T9"}, "user": {"id": "U1", "team_id": "T9"}}
    view["view"] = {"id": "V1", "app_installed_team_id": "T2", "private_metadata": "none of ours", "state": {}}
    assert await posted(kept, "interactivity", urlencode({"payload": orjson.dumps(view).decode()}).encode()) == 200
    assert kept.events == [("kitakyushu", "T2/U1")]


async def test_the_same_command_may_be_given_twice_and_is_delivered_once() -> None:
    kept = Kept()
    for ago in (0, 0, 7):
        assert await posted(kept, "commands", bodies("T1")["commands"], ago=ago) == 200
    assert kept.ids[0] == kept.ids[1] != kept.ids[2]


@pytest.mark.parametrize(("ts", "whose"), [("1.0", [("fukuoka", "T1/U1")]), ("9.0", [])], ids=["a resident's", "ours"])
async def test_a_deletion_that_does_not_say_whose_message_it_was(ts: str, whose: list[tuple[str, str]]) -> None:
    """As https://docs.slack.dev/reference/events/message/message_deleted shows it."""
    kept = Kept()
    gone = {"type": "message", "subtype": "message_deleted", "hidden": True, "channel": "D1", "deleted_ts": ts}
    event = orjson.loads(bodies("T1")["events"]) | {"event": gone | {"ts": "2.0"}}
    assert await posted(kept, "events", orjson.dumps(event)) == 200
    assert kept.events == whose
