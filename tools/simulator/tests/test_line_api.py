from collections.abc import AsyncIterator
from io import BytesIO
from typing import cast
from uuid import uuid4

import aiohttp
import pytest
from linebot.v3.messaging import (  # type: ignore[import-untyped, unused-ignore]
    AsyncApiClient,
    AsyncMessagingApi,
    AsyncMessagingApiBlob,
    Configuration,
    PushMessageRequest,
    ReplyMessageRequest,
    RichMenuRequest,
    TextMessage,
)
from PIL import Image

from machi_simulator.faults import Fault
from machi_simulator.jsontree import Json, children, text
from machi_simulator.testing import Simulator
from machi_simulator.testing_receiver import Receiver

TOKEN = "Bearer simulated-line-token"
Answered = tuple[int, Json, dict[str, str]]
HELLO: Json = {"type": "text", "text": "こんにちは"}


class Client:
    """A bare client: what an SDK would refuse to send can be sent too."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def post(self, path: str, body: Json | bytes, **headers: str) -> Answered:
        sent = {"authorization": TOKEN} | {name.replace("_", "-"): value for name, value in headers.items()}
        data = BytesIO(body) if isinstance(body, bytes) else None
        json = None if isinstance(body, bytes) else body
        async with self._session.post(self._url + path, data=data, json=json, headers=sent) as response:
            answer = cast("Json", await response.json(content_type=None))
            return response.status, answer, {name.lower(): value for name, value in response.headers.items()}

    async def get(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        async with self._session.request(method, self._url + path, headers={"authorization": TOKEN}) as response:
            return response.status, await response.read()


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(simulator.url, session)


@pytest.fixture
async def friend(simulator: Simulator) -> str:
    user = await simulator.line.create()
    await simulator.line.follow(user)
    return user


async def _reply_token(simulator: Simulator, receiver: Receiver, user: str) -> str:
    before = len(receiver.hooks)
    await simulator.line.say(user, "もしもし")

    async def token() -> str:
        events = [event for hook in receiver.hooks[before:] for event in hook.events]
        return next((text(event, "replyToken") for event in events if event["type"] == "message"), "")

    return await simulator.until(token)


async def test_a_reply_arrives_once_and_its_token_is_spent(
    simulator: Simulator, receiver: Receiver, client: Client, friend: str
) -> None:
    token = await _reply_token(simulator, receiver, friend)
    body: Json = {"replyToken": token, "messages": [HELLO]}
    first = await client.post("/line/v2/bot/message/reply", body)
    second = await client.post("/line/v2/bot/message/reply", body)

    assert first[0] == 200
    assert [set(sent) for sent in children(first[1], "sentMessages")] == [{"id", "quoteToken"}]
    assert second[:2] == (400, {"message": "Invalid reply token"})
    assert [each.content for each in await simulator.line.heard(friend)] == [HELLO]


async def test_a_reply_token_lives_a_minute(
    simulator: Simulator, receiver: Receiver, client: Client, friend: str
) -> None:
    token = await _reply_token(simulator, receiver, friend)
    await simulator.advance(61)
    answer = await client.post("/line/v2/bot/message/reply", {"replyToken": token, "messages": [HELLO]})
    assert answer[:2] == (400, {"message": "Invalid reply token"})
    assert [call.reason for call in await simulator.refused()] == ["Invalid reply token"]


async def test_a_refused_reply_leaves_the_token_good(
    simulator: Simulator, receiver: Receiver, client: Client, friend: str
) -> None:
    token = await _reply_token(simulator, receiver, friend)
    wrong = await client.post("/line/v2/bot/message/reply", {"replyToken": token, "messages": []})
    right = await client.post("/line/v2/bot/message/reply", {"replyToken": token, "messages": [HELLO]})
    assert (wrong[0], right[0]) == (400, 200)


async def test_replies_take_no_retry_key(simulator: Simulator, receiver: Receiver, client: Client, friend: str) -> None:
    token = await _reply_token(simulator, receiver, friend)
    body: Json = {"replyToken": token, "messages": [HELLO]}
    answer = await client.post("/line/v2/bot/message/reply", body, x_line_retry_key=str(uuid4()))
    assert answer[0] == 400


@pytest.mark.parametrize("path", ["push", "multicast"])
async def test_a_retry_key_is_accepted_once(simulator: Simulator, client: Client, friend: str, path: str) -> None:
    key = str(uuid4())
    body: Json = {"to": friend if path == "push" else [friend], "messages": [HELLO]}
    first = await client.post(f"/line/v2/bot/message/{path}", body, x_line_retry_key=key)
    again = await client.post(f"/line/v2/bot/message/{path}", body, x_line_retry_key=key)

    assert (first[0], again[0]) == (200, 409)
    assert again[2]["x-line-accepted-request-id"] == first[2]["x-line-request-id"]
    assert again[1]["message"] == "The retry key is already accepted"
    assert again[1].get("sentMessages") == first[1].get("sentMessages")
    assert len(await simulator.line.heard(friend)) == 1

    await simulator.advance(24 * 3600 + 1)
    assert (await client.post(f"/line/v2/bot/message/{path}", body, x_line_retry_key=key))[0] == 200


async def test_a_retry_key_must_be_a_uuid(client: Client, friend: str) -> None:
    body: Json = {"to": friend, "messages": [HELLO]}
    assert (await client.post("/line/v2/bot/message/push", body, x_line_retry_key="1"))[0] == 400


async def test_who_blocked_gets_nothing_though_line_says_yes(simulator: Simulator, client: Client, friend: str) -> None:
    await simulator.line.block(friend)
    answer = await client.post("/line/v2/bot/message/push", {"to": friend, "messages": [HELLO]})
    assert answer[0] == 200
    assert await simulator.line.heard(friend) == []


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("U" + "f" * 32, "Failed to send messages"),
        ("nobody", "The property, 'to', in the request body is invalid (line: -, column: -)"),
    ],
)
async def test_unknown_people_are_refused(client: Client, to: str, message: str) -> None:
    answer = await client.post("/line/v2/bot/message/push", {"to": to, "messages": [HELLO]})
    assert answer[:2] == (400, {"message": message})


async def test_multicast_takes_500_people_and_no_more(client: Client, friend: str) -> None:
    others = [f"U{at:032x}" for at in range(499)]
    body: Json = {"to": [friend, *others], "messages": [HELLO]}
    assert (await client.post("/line/v2/bot/message/multicast", body))[0] == 200
    body = {"to": [friend, *others, others[0]], "messages": [HELLO]}
    assert (await client.post("/line/v2/bot/message/multicast", body))[0] == 400


async def test_a_wrong_token_is_refused(client: Client, friend: str) -> None:
    body: Json = {"to": friend, "messages": [HELLO]}
    answer = await client.post("/line/v2/bot/message/push", body, authorization="Bearer other")
    assert answer[0] == 401
    assert text(answer[1], "message").startswith("Authentication failed")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"a=b", "text/plain", 415)],
)
async def test_other_bodies_are_refused(client: Client, body: bytes, content_type: str, status: int) -> None:
    assert (await client.post("/line/v2/bot/message/push", body, content_type=content_type))[0] == status


async def test_multicast_is_limited_to_200_a_second(simulator: Simulator, client: Client) -> None:
    await simulator.hold_time()
    body: Json = {"to": [f"U{0:032x}"], "messages": [HELLO]}
    statuses = [(await client.post("/line/v2/bot/message/multicast", body))[0] for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    await simulator.advance(1)
    assert (await client.post("/line/v2/bot/message/multicast", body))[0] == 200


async def test_content_is_served_until_it_expires(simulator: Simulator, client: Client, friend: str) -> None:
    photo = await simulator.line.upload(friend, b"\xff\xd8photo")
    path = f"/line-data/v2/bot/message/{photo.message}/content"
    assert await client.get(path) == (200, b"\xff\xd8photo")
    await simulator.line.expire(photo.message)
    assert (await client.get(path))[0] == 410
    assert (await client.get("/line-data/v2/bot/message/1/content"))[0] == 404


def _picture(width: int, height: int, kind: str = "PNG") -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), "white").save(out, kind)
    return out.getvalue()


def _menu(**changes: object) -> Json:
    area: Json = {
        "bounds": {"x": 0, "y": 0, "width": 1250, "height": 843},
        "action": {"type": "postback", "label": "通報", "data": "open=report"},
    }
    menu: Json = {
        "size": {"width": 2500, "height": 843},
        "selected": True,
        "name": "ja",
        "chatBarText": "メニュー",
        "areas": [area],
    }
    return menu | changes


async def test_a_rich_menu_needs_its_picture_first(simulator: Simulator, client: Client, friend: str) -> None:
    status, made, _ = await client.post("/line/v2/bot/richmenu", _menu())
    menu = text(made, "richMenuId")
    upload = f"/line-data/v2/bot/richmenu/{menu}/content"
    assert status == 200
    early = await client.post(f"/line/v2/bot/user/all/richmenu/{menu}", b"")
    assert early[:2] == (400, {"message": "must upload richmenu image before applying it to user"})

    assert (await client.post(upload, _picture(800, 400), content_type="image/png"))[0] == 400
    assert (await client.post(upload, _picture(2500, 843), content_type="image/jpeg"))[0] == 400
    assert (await client.post(upload, b"\x89PNG" + b"0" * 2**20, content_type="image/png"))[0] == 413
    assert (await client.post(upload, _picture(2500, 843), content_type="image/png"))[0] == 200
    assert (await client.post(upload, _picture(2500, 843), content_type="image/png"))[0] == 400
    assert (await client.post(f"/line/v2/bot/user/all/richmenu/{menu}", b""))[0] == 200
    assert (await simulator.line.resident(friend)).menu is not None

    await simulator.line.press(friend, "通報")
    assert (await client.get(f"/line/v2/bot/richmenu/{menu}", "DELETE"))[0] == 200
    assert (await simulator.line.resident(friend)).menu is None


@pytest.mark.parametrize(
    "changes",
    [
        {"size": {"width": 2500, "height": 2000}},
        {"size": {"width": 700, "height": 250}},
        {"chatBarText": "あ" * 15},
        {"name": "n" * 301},
        {"selected": None},
        {"areas": [{"bounds": {"x": 2000, "y": 0, "width": 600, "height": 100}, "action": {"type": "message"}}]},
        {"areas": [{"bounds": {"x": 0, "y": 0, "width": 9, "height": 9}, "action": {"type": "camera"}}]},
        {"areas": _menu()["areas"] * 21},  # type: ignore[operator]
    ],
)
async def test_rich_menus_line_would_refuse(client: Client, changes: Json) -> None:
    assert (await client.post("/line/v2/bot/richmenu", _menu(**changes)))[0] == 400


async def test_rich_menus_change_a_hundred_times_an_hour(simulator: Simulator, client: Client) -> None:
    statuses = [(await client.post("/line/v2/bot/richmenu", _menu()))[0] for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    await simulator.advance(3600)
    assert (await client.post("/line/v2/bot/richmenu", _menu()))[0] == 200


async def test_the_official_sdk_is_understood(simulator: Simulator, receiver: Receiver, friend: str) -> None:
    token = await _reply_token(simulator, receiver, friend)
    configuration = Configuration(access_token="simulated-line-token", host=simulator.line_api_url)
    async with AsyncApiClient(configuration) as sdk:
        api = AsyncMessagingApi(sdk)
        words = [TextMessage(text="受付番号 AB12-CD34")]
        await api.reply_message(ReplyMessageRequest(reply_token=token, messages=words))
        await api.push_message(PushMessageRequest(to=friend, messages=words), x_line_retry_key=str(uuid4()))
        assert (await api.get_profile(friend)).user_id == friend
        assert (await api.get_bot_info()).user_id
        menu = (await api.create_rich_menu(RichMenuRequest.from_dict(_menu()))).rich_menu_id
        assert (await api.test_webhook_endpoint()).success is True
    data = Configuration(access_token="simulated-line-token", host=simulator.line_data_api_url)
    async with AsyncApiClient(data) as sdk:
        blob = AsyncMessagingApiBlob(sdk)
        await blob.set_rich_menu_image(menu, _picture(2500, 843), _headers={"Content-Type": "image/png"})
        photo = await simulator.line.upload(friend, b"\xff\xd8photo")
        assert bytes(await blob.get_message_content(photo.message)) == b"\xff\xd8photo"
    assert [each.how for each in await simulator.line.heard(friend)] == ["reply", "push"]
    assert await simulator.refused() == []


@pytest.mark.parametrize("kind", ["status", "accept_then_hang", "accept_then_reset", "reset", "slow"])
async def test_api_faults(simulator: Simulator, client: Client, friend: str, kind: str) -> None:
    path = "/line/v2/bot/message/push"
    planned = {"path": path, "kind": kind, "status": 429, "ms": 100}
    await simulator.plan(Fault.model_validate(planned))
    body: Json = {"to": friend, "messages": [HELLO]}
    if kind in ("reset", "accept_then_reset"):
        with pytest.raises(aiohttp.ClientError):
            await client.post(path, body)
    else:
        assert (await client.post(path, body))[0] == (429 if kind == "status" else 200)
    arrived = len(await simulator.line.heard(friend))
    assert arrived == (0 if kind in ("status", "reset") else 1)
    assert (await client.post(path, body))[0] == 200
    assert [call.verdict for call in await simulator.received(path)] == [
        "accepted" if arrived else "fault",
        "accepted",
    ]
    assert await simulator.refused() == []


async def test_a_hanging_answer_never_comes(simulator: Simulator, client: Client, friend: str) -> None:
    await simulator.plan(Fault(path="/line/*", kind="accept_then_hang"))
    body: Json = {"to": friend, "messages": [HELLO]}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session:
        with pytest.raises(TimeoutError):
            await Client(simulator.url, session).post("/line/v2/bot/message/push", body)
    assert len(await simulator.line.heard(friend)) == 1
    assert (await client.post("/line/v2/bot/message/push", body))[0] == 200
