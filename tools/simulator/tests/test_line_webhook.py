import base64
import json
import re
from pathlib import Path

import pytest

from machi_simulator.config import BOT_USER_ID, Config
from machi_simulator.faults import Fault
from machi_simulator.jsontree import Json, as_object, text
from machi_simulator.line.webhook import signature
from machi_simulator.testing import Simulator, running
from machi_simulator.testing_receiver import Hook, Receiver
from machi_simulator.testing_wire import RefusedError

VECTORS = json.loads((Path(__file__).parent / "data" / "line_signature_vectors.json").read_text())


async def _hooks(simulator: Simulator, receiver: Receiver, count: int) -> list[Hook]:
    async def enough() -> bool:
        return len(receiver.hooks) >= count

    await simulator.until(enough, what=f"{count} webhooks, {len(receiver.hooks)} came")
    return receiver.hooks


async def _settled(simulator: Simulator, state: str) -> None:
    async def reached() -> bool:
        return bool(await simulator.webhooks(state=state))

    await simulator.until(reached, what=f"a webhook {state}")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_signature_agrees_with_the_official_vectors(vector: dict[str, str]) -> None:
    made = signature(vector["secret"], vector["body"].encode())
    assert (made == vector["signature"]) is bool(vector["valid"])


async def test_an_event_carries_all_the_specification_requires(simulator: Simulator, receiver: Receiver) -> None:
    user = await simulator.line.create()
    await simulator.line.follow(user)
    hook = (await _hooks(simulator, receiver, 1))[0]
    event = hook.events[0]

    assert hook.json["destination"] == BOT_USER_ID
    assert hook.headers["x-line-signature"] == signature("simulated-line-secret", hook.body)
    assert event["type"] == "follow"
    assert event["mode"] == "active"
    assert event["source"] == {"type": "user", "userId": user}
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", text(event, "webhookEventId"))
    assert event["deliveryContext"] == {"isRedelivery": False}
    assert text(event, "replyToken")
    assert event["follow"] == {"isUnblocked": False}


async def test_every_kind_of_message_arrives(simulator: Simulator, receiver: Receiver) -> None:
    user = await simulator.line.create()
    await simulator.line.follow(user)
    await simulator.line.say(user, "道路に穴があります <&>😄")
    await simulator.line.locate(user, 33.59, 130.40, "福岡市中央区")
    await simulator.line.stick(user)
    for kind in ("image/jpeg", "video/mp4", "audio/mpeg", "application/pdf"):
        await simulator.line.upload(user, b"bytes", kind, "it.pdf")
    hooks = await _hooks(simulator, receiver, 8)

    messages = [as_object(event["message"]) for hook in hooks for event in hook.events if event["type"] == "message"]
    kinds = {text(message, "type"): message for message in messages}
    assert set(kinds) == {"text", "location", "sticker", "image", "video", "audio", "file"}
    assert kinds["text"]["text"] == "道路に穴があります <&>😄"
    assert kinds["location"]["latitude"] == 33.59
    assert kinds["image"]["contentProvider"] == {"type": "line"}
    assert kinds["file"]["fileSize"] == 5


async def test_photos_sent_together_name_their_set(simulator: Simulator, receiver: Receiver) -> None:
    user = await simulator.line.create()
    await simulator.line.follow(user)
    sent = await simulator.line.upload_together(user, [b"one", b"two", b"three"])
    hooks = await _hooks(simulator, receiver, 4)
    messages = [as_object(event["message"]) for hook in hooks for event in hook.events if event["type"] == "message"]
    places = {text(message, "id"): as_object(message["imageSet"]) for message in messages}
    assert [places[each.message]["index"] for each in sent] == [1, 2, 3]
    assert {place["total"] for place in places.values()} == {3}
    assert len({place["id"] for place in places.values()}) == 1


async def test_an_unanswered_event_is_sent_again_as_a_redelivery(simulator: Simulator, receiver: Receiver) -> None:
    receiver.answers = [(503, ""), (500, "")]
    user = await simulator.line.create()
    await simulator.line.follow(user)
    events = [hook.events[0] for hook in await _hooks(simulator, receiver, 3)]

    assert len({text(event, "webhookEventId") for event in events}) == 1
    assert [as_object(event["deliveryContext"])["isRedelivery"] for event in events] == [False, True, True]
    assert len({text(event, "replyToken") for event in events}) == 1
    for hook in receiver.hooks:
        assert hook.headers["x-line-signature"] == signature("simulated-line-secret", hook.body)


async def test_redelivery_ends_and_can_be_switched_off(config: Config, receiver: Receiver) -> None:
    receiver.answers = [(500, "")] * 9
    async with running(config.model_copy(update={"simulator_line_redelivery": False})) as simulator:
        await simulator.line.follow(await simulator.line.create())
        await _settled(simulator, "failed")
    assert len(receiver.hooks) == 1


async def test_a_webhook_that_answers_too_late_counts_as_unanswered(simulator: Simulator, receiver: Receiver) -> None:
    receiver.hold = 1.3
    await simulator.line.follow(await simulator.line.create())
    await _hooks(simulator, receiver, 2)
    delivery = (await simulator.webhooks())[0]
    assert delivery.attempts[0].error == "no answer within 1 s"


async def test_block_and_unsend_are_told_without_a_reply_token(simulator: Simulator, receiver: Receiver) -> None:
    user = await simulator.line.create()
    await simulator.line.follow(user)
    said = await simulator.line.say(user, "やっぱりやめます")
    await simulator.line.unsend(user, said.message)
    await simulator.line.block(user)
    hooks = await _hooks(simulator, receiver, 4)
    events = {text(event, "type"): event for hook in hooks for event in hook.events}

    assert events["unsend"]["unsend"] == {"messageId": said.message}
    assert "replyToken" not in events["unsend"]
    assert "replyToken" not in events["unfollow"]
    with pytest.raises(RefusedError):
        await simulator.line.say(user, "blocked people can't write")


async def test_coming_back_is_told_as_unblocking(simulator: Simulator, receiver: Receiver) -> None:
    user = await simulator.line.create()
    await simulator.line.follow(user)
    await simulator.line.block(user)
    await simulator.line.follow(user)
    follows = [hook.events[0] for hook in await _hooks(simulator, receiver, 3) if hook.events[0]["type"] == "follow"]
    # LINE's webhooks may overtake each other; the event's own time tells their order.
    follows.sort(key=lambda event: int(str(event["timestamp"])))
    assert [event["follow"] for event in follows] == [{"isUnblocked": False}, {"isUnblocked": True}]


@pytest.mark.parametrize(("kind", "calls"), [("lost", 0), ("duplicate", 2), ("drop_try", 1), ("delay", 1)])
async def test_webhook_faults(simulator: Simulator, receiver: Receiver, kind: str, calls: int) -> None:
    plan: Json = {"path": "webhook/line", "kind": kind, "ms": 100}
    await simulator.plan(Fault.model_validate(plan))
    await simulator.line.follow(await simulator.line.create())
    await _settled(simulator, "lost" if kind == "lost" else "delivered")
    await _hooks(simulator, receiver, calls)
    again = [as_object(hook.events[0]["deliveryContext"])["isRedelivery"] for hook in receiver.hooks]
    assert again == {"lost": [], "duplicate": [False, True], "drop_try": [True], "delay": [False]}[kind]


async def test_pending_webhooks_survive_a_restart(config: Config, receiver: Receiver) -> None:
    slow = config.model_copy(update={"simulator_line_redelivery_delays": (3600.0,)})
    receiver.answers = [(503, "")]
    async with running(slow) as simulator:
        user = await simulator.line.create("春吉 太郎")
        await simulator.line.follow(user)
        await _hooks(simulator, receiver, 1)
    async with running(slow) as simulator:
        events = [hook.events[0] for hook in await _hooks(simulator, receiver, 2)]
        assert (await simulator.line.resident(user)).name == "春吉 太郎"
    assert events[0]["webhookEventId"] == events[1]["webhookEventId"]
    assert as_object(events[1]["deliveryContext"])["isRedelivery"] is True


async def test_raw_posts_can_carry_a_forged_signature(simulator: Simulator, receiver: Receiver) -> None:
    receiver.answers = [(200, ""), (401, "")]
    good = await simulator.line.raw(b'{"destination":"x","events":[]}')
    forged = await simulator.line.raw(b"{}", {"x-line-signature": base64.b64encode(b"no").decode()})
    assert (good.status, forged.status) == (200, 401)
    assert receiver.hooks[1].headers["x-line-signature"] == base64.b64encode(b"no").decode()
