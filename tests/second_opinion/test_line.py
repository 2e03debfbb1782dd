"""A second opinion on what we send to LINE: Prism holds every recorded request against LINE's own OpenAPI."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import machi_simulator
from machi_simulator.calls import ApiCall
from tests.city import City
from tests.second_opinion.prism import NotInstalled, Prism, running
from tests.story import OFFICER_HAKATA, Filing, file_report, photo

pytestmark = [pytest.mark.integration, pytest.mark.stack]
OPENAPI = Path(machi_simulator.__file__).parent / "data" / "line-messaging-api.yml"
PUSH = "/v2/bot/message/push"
TEXT = {"type": "text", "text": "a"}
REFUSED: list[tuple[str, str, dict[str, object]]] = [
    ("POST", PUSH, {"messages": [TEXT]}),
    ("POST", PUSH, {"to": "U1", "messages": "a"}),
    ("POST", PUSH, {"to": "U1", "messages": [TEXT] * 6}),
    ("POST", "/v2/bot/message/reply", {"messages": [TEXT]}),
    ("POST", "/v2/bot/message/shout", {"to": "U1", "messages": [TEXT]}),
    ("PUT", PUSH, {"to": "U1", "messages": [TEXT]}),
]

# What the report of a new resident with a photo, and an officer who takes it on, surely make us ask.
KINDS = {
    *(("POST", "reply"), ("POST", "push"), ("POST", "richmenu"), ("POST", "content")),
    *(("GET", "content"), ("GET", "list")),
}


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """LINE as its own description tells; skipped where Node's packages cannot be fetched."""
    try:
        with running(OPENAPI) as found:
            yield found
    except NotInstalled as reason:
        pytest.skip(f"no second opinion: {reason}")


def asked(call: ApiCall) -> tuple[str, str, bytes, dict[str, str]]:
    """A recorded request as LINE's own hosts get it; of a picture only its size was recorded."""
    path = call.path.removeprefix("/line-data").removeprefix("/line")
    binary = set(call.body) == {"bytes"}
    body = bytes(int(str(call.body["bytes"]))) if binary else json.dumps(call.body).encode() if call.body else b""
    return call.method, path, body, {**call.headers, "authorization": "Bearer a-token"}


async def test_prism_finds_nothing_wrong_with_what_we_send(city: City, prism: Prism) -> None:
    resident = await city.resident()
    number = await file_report(resident, Filing(photos=(photo(),)))
    before = await resident.last()
    await city.simulator.slack.press(OFFICER_HAKATA, await city.card(number), "acknowledge")
    await resident.hears(before)
    calls = [each for each in await city.simulator.received("/line") if each.verdict == "accepted"]
    kinds = {(each.method, each.path.split("/")[-1]) for each in calls}
    assert kinds >= KINDS
    wrong = {f"{each.method} {each.path}": prism.judge(*asked(each)) for each in calls}
    assert not {request: found for request, found in wrong.items() if found}


def test_prism_refuses_what_line_would_refuse(prism: Prism) -> None:
    headers = {"content-type": "application/json", "authorization": "Bearer a-token"}

    def judged(method: str, path: str, body: dict[str, object]) -> str:
        return prism.judge(method, path, json.dumps(body).encode(), headers)

    assert judged("POST", PUSH, {"to": "U1", "messages": [TEXT]}) == ""
    assert not [asked for asked in REFUSED if not judged(*asked)]
