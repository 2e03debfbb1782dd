"""One Slack app can be installed in the workspaces of several tenants: the body says of which a request comes."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urlencode

import orjson
import pytest
from pydantic import SecretStr
from starlette.requests import Request

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_slack.entrypoints.door import Door
from machi_channel_slack.entrypoints.forms import Forms
from machi_channel_slack.entrypoints.webhooks import Webhooks
from machi_channel_slack.ports import Board, Desks
from machi_sdk.clock import ManualClock
from machi_sdk.conversation.press import ControlPress, encode
from machi_sdk.http import Endpoint
from machi_sdk.inbound import Entrance
from machi_sdk.settings import SlackSettings

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SHARED, OWN = "one app's secret", "another app's secret"
EVENT = {"type": "message", "channel_type": "im", "user": "U1", "channel": "D1", "ts": "1.0", "text": "街灯"}


class Kept:
    """`machi_sdk.inbound.Entrance`: tenant and address of what went in."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    async def store(self, event: InboundEvent, tenant: str) -> None:
        self.events.append((tenant, event.address))


def webhooks(kept: Kept) -> Webhooks:
    def workspace(secret: str, team: str) -> SlackSettings:
        return SlackSettings(signing_secret=SecretStr(secret), bot_token=SecretStr("t"), team_id=team)

    workspaces = {
        "fukuoka": workspace(SHARED, "T1"),
        "kitakyushu": workspace(SHARED, "T2"),
        "kurume": workspace(OWN, "T3"),
    }
    door = Door(workspaces, cast("Entrance", kept), ManualClock(NOW), dict)
    return Webhooks(door, Forms(door, {}, cast("Board", None), cast("Desks", None), "again"), "heard")


async def posted(kept: Kept, path: str, body: bytes, secret: str = SHARED) -> int:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    moment = str(int(NOW.timestamp()))
    digest = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": moment, "x-slack-signature": f"v0={digest}"}
    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": named}
    endpoint: Endpoint = getattr(webhooks(kept), path)
    return (await endpoint(Request(scope, receive))).status_code


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


async def test_an_address_is_verified_without_a_workspace() -> None:
    assert await posted(Kept(), "events", orjson.dumps({"type": "url_verification", "challenge": "abc"})) == 200
