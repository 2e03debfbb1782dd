"""What the account can be asked about itself, held against the official descriptions, and the console's switches."""

from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import pytest

from machi_simulator.jsontree import Json, text
from machi_simulator.line import schema
from machi_simulator.testing import Simulator
from machi_simulator.testing_receiver import Receiver

TOKEN = {"authorization": "Bearer simulated-line-token"}
ENDPOINT, TEST = "/v2/bot/channel/webhook/endpoint", "/v2/bot/channel/webhook/test"


@pytest.fixture
async def session(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.url, headers=TOKEN) as found:
        yield found


async def asked(session: aiohttp.ClientSession, method: str, path: str, body: Json | None = None) -> Json:
    async with session.request(method, f"/line{path}", json=body) as response:
        assert response.status == 200, await response.text()
        return cast("Json", await response.json())


@pytest.mark.parametrize(
    ("method", "path", "described"),
    [
        ("GET", "/v2/bot/info", "BotInfoResponse"),
        ("GET", ENDPOINT, "GetWebhookEndpointResponse"),
        ("POST", TEST, "TestWebhookEndpointResponse"),
        ("GET", "/v2/bot/richmenu/list", "RichMenuListResponse"),
    ],
)
async def test_answers_are_as_described(session: aiohttp.ClientSession, method: str, path: str, described: str) -> None:
    assert schema.problems(described, await asked(session, method, path)) == []
    assert schema.problems(described, {}) != []


async def test_the_default_menu_is_described_or_missing(session: aiohttp.ClientSession) -> None:
    async with session.get("/line/v2/bot/user/all/richmenu") as response:
        assert (response.status, await response.json()) == (404, {"message": "no default richmenu"})


async def test_a_webhook_that_is_switched_off_is_told_and_gets_nothing(
    simulator: Simulator, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    await simulator.line.console(use=False)
    assert (await asked(session, "GET", ENDPOINT))["active"] is False
    user = await simulator.line.create()
    await simulator.line.follow(user)
    assert [hook.state for hook in await simulator.webhooks(platform="line")] == ["lost"]
    await simulator.line.console(use=True)
    await simulator.line.say(user, "もしもし")

    async def arrived() -> bool:
        return bool(receiver.hooks)

    await simulator.until(arrived)
    assert [event["type"] for hook in receiver.hooks for event in hook.events] == ["message"]


async def test_a_refused_webhook_comes_again_only_with_redelivery(simulator: Simulator, receiver: Receiver) -> None:
    user = await simulator.line.create()
    assert await simulator.line.console(redelivery=False) == {
        "endpoint": f"{receiver.url}/line/webhook",
        "use": True,
        "redelivery": False,
    }
    receiver.answers.append((503, ""))
    await simulator.line.follow(user)

    async def given_up() -> bool:
        return bool(await simulator.webhooks(state="failed"))

    await simulator.until(given_up)
    assert len(receiver.hooks) == 1


async def test_the_webhook_is_tested_where_it_is_or_elsewhere(
    receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    receiver.answers += [(200, ""), (503, "")]
    good = await asked(session, "POST", TEST)
    refused = await asked(session, "POST", TEST)
    nobody = await asked(session, "POST", TEST, {"endpoint": "http://127.0.0.1:9/line/webhook"})
    assert [(each["success"], each["statusCode"], each["reason"]) for each in (good, refused, nobody)] == [
        (True, 200, "OK"),
        (False, 503, "ERROR_STATUS_CODE"),
        (False, 0, "COULD_NOT_CONNECT"),
    ]
    assert [hook.events for hook in receiver.hooks] == [[], []]
    assert schema.problems("TestWebhookEndpointResponse", nobody) == []


async def test_a_slow_webhook_is_told_as_such(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    receiver.hold = 1.5
    assert text(await asked(session, "POST", TEST), "reason") == "REQUEST_TIMEOUT"


async def test_webhooks_are_tested_sixty_times_an_hour(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    await simulator.hold_time()
    statuses = []
    for _ in range(61):
        async with session.post(f"/line{TEST}") as response:
            statuses.append(response.status)
    assert statuses == [200] * 60 + [429]


async def test_a_test_of_something_that_is_no_address_is_refused(session: aiohttp.ClientSession) -> None:
    async with session.post(f"/line{TEST}", json={"endpoint": 7}) as response:
        assert response.status == 400
