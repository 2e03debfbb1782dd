"""The whole pod against LINE's stand-in: what residents hear, judged by what LINE received."""

import orjson
import pytest
from line_city import LineCity

from machi.channel.v1.events_pb2 import InboundEvent
from machi_sdk.conversation.press import CommandPress, encode
from machi_sdk.manifest import Manifest
from machi_sdk.testing import read_all, wait_until
from machi_sdk.work import Work
from machi_simulator.faults import Fault

pytestmark = pytest.mark.integration

BENCHES = Manifest.model_validate(
    {
        "name": "benches",
        "version": "1",
        "owner": "test",
        "dialogues": [{"command": "bench", "menu": True, "titles": {"ja": "ベンチ", "en": "Benches"}}],
    }
)
JPEG = b"\xff\xd8\xff\xe0" + b"street lamp" * 20_000
REPLY, PUSH = "/line/v2/bot/message/reply", "/line/v2/bot/message/push"


async def follower(city: LineCity) -> str:
    """A resident who has been welcomed."""
    user = await city.simulator.line.create()
    await city.simulator.line.follow(user)
    await city.until_heard(user, 1)
    return user


async def states(city: LineCity, event_id: str) -> tuple[str, str]:
    """State and reason of an inbound event."""
    async with city.pod.works(Work).begin("fukuoka") as work:
        row = await work.db.fetchrow("SELECT state, reason FROM inbound_events WHERE event_id = $1", event_id)
    return (row["state"], row["reason"]) if row else ("", "")


async def test_a_resident_reports_a_lamp(city: LineCity) -> None:
    line, lamps = city.simulator.line, city.lamps
    user = await follower(city)
    assert city.identity.reachable == {user: True}
    await line.say(user, "　街灯 ")
    await city.until_heard(user, 2)
    assert [turn.open.arguments["text"] for turn in lamps.said("open")[1:]] == ["　街灯 "]
    await line.press(user, "通りの街灯")
    await city.until_heard(user, 4)
    assert list(lamps.said("choice")[0].choice.option_ids) == ["b"]
    assert lamps.said("choice")[0].session_id == "s-1"
    await line.say(user, "案内？")
    said = await city.until_heard(user, 6)
    assert said[4:] == ["helpです", "写真を送ってください"]
    await line.upload(user, b"no photo at all", "image/jpeg")
    await city.until_heard(user, 7)
    await line.upload(user, JPEG, "image/jpeg")
    said = await city.until_heard(user, 8)
    assert said == ["welcomeです", "どの街灯ですか", "どの街灯か分かりました", *said[3:7], "受付番号 LMP-234-5"]
    assert lamps.photos == [JPEG]
    assert [turn.unsupported.kind for turn in lamps.said("unsupported")] == ["photo"]
    assert city.identity.focus[f"c-{user}"].pod == ""
    assert {each.how for each in await line.heard(user)} == {"reply"}
    assert await city.simulator.refused() == []


async def test_without_a_dialogue_anything_finds_help(city: LineCity) -> None:
    line = city.simulator.line
    user = await follower(city)
    await line.stick(user)
    await city.until_heard(user, 2)
    await line.locate(user, 33.59, 130.4)
    await city.until_heard(user, 3)
    await line.postback(user, "action=buy")
    await city.until_heard(user, 4)
    await line.postback(user, encode(CommandPress("lamps", "lamp", {"id": "7"})))
    said = await city.until_heard(user, 5)
    assert said == ["welcomeです", "helpです", "helpです", "helpです", "どの街灯ですか"]
    assert city.lamps.said("open")[-1].open.arguments["id"] == "7"


async def test_a_redelivered_event_has_one_effect(city: LineCity) -> None:
    user = await follower(city)
    acted = await city.simulator.line.say(user, "街灯")
    await city.until_heard(user, 2)
    await city.simulator.redeliver(acted.event)
    await city.simulator.redeliver(acted.event)
    await city.simulator.line.say(user, "次のことば")
    await city.until_heard(user, 4)
    stored = [record.event for record in await read_all(city.bootstrap, "machi.line.inbound.v1")]
    same = [each for each in stored if isinstance(each, InboundEvent) and each.event_id == acted.event]
    assert len(same) == 3
    assert len(await city.heard(user)) == 4
    assert len(city.lamps.effects) == 3


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_hang", "reset", "status"])
async def test_a_reply_of_unclear_outcome_reaches_the_person_once(city: LineCity, kind: str) -> None:
    user = await follower(city)
    await city.simulator.plan(Fault.model_validate({"path": REPLY, "kind": kind, "ms": 4000}))
    acted = await city.simulator.line.say(user, "街灯")
    await wait_until(lambda: _is_done(city, acted.event))
    assert await city.heard(user) == ["welcomeです", "どの街灯ですか"]
    assert {each.how for each in await city.simulator.line.heard(user)} == {"reply"}


async def test_what_line_refuses_is_said_in_plain_words(city: LineCity) -> None:
    user = await follower(city)
    await city.simulator.plan(Fault(path=REPLY, kind="status", status=400))
    acted = await city.simulator.line.say(user, "街灯")
    await wait_until(lambda: _is_done(city, acted.event))
    assert await city.heard(user) == ["welcomeです", "どの街灯ですか\n• 公園の街灯\n• 通りの街灯"]
    await city.simulator.line.say(user, "公園の街灯")
    assert (await city.until_heard(user, 3))[2] == "聞きました：公園の街灯"


async def _is_done(city: LineCity, event_id: str) -> bool:
    return (await states(city, event_id))[0] == "done"


async def test_a_token_that_is_too_old_is_answered_by_push(city: LineCity) -> None:
    user = await follower(city)
    city.lamps.open.clear()
    acted = await city.simulator.line.say(user, "街灯")
    await wait_until(lambda: _is_stored(city, acted.event))
    await city.simulator.advance(61)
    for kind in ("accept_then_reset", "status"):
        await city.simulator.plan(Fault.model_validate({"path": PUSH, "kind": kind}))
    city.lamps.open.set()
    await wait_until(lambda: _is_done(city, acted.event))
    assert await city.heard(user) == ["welcomeです", "どの街灯ですか"]
    assert city.identity.releases["RELEASE_BASIS_ANSWER"] >= 1
    keys = {call.headers["x-line-retry-key"] for call in await city.simulator.received("message/push")}
    assert len(keys) == 1


async def _is_stored(city: LineCity, event_id: str) -> bool:
    return (await states(city, event_id))[0] != ""


async def test_a_hung_pod_is_excused_once_and_answered_later_in_order(city: LineCity) -> None:
    user = await follower(city)
    city.lamps.open.clear()
    acted = await city.simulator.line.say(user, "街灯")
    await wait_until(lambda: _is_stored(city, acted.event))
    await city.simulator.line.say(user, "大通りです")
    said = await city.until_heard(user, 2)
    assert said[1].startswith("メッセージを受け取りました")
    city.lamps.open.set()
    said = await city.until_heard(user, 5)
    assert said[2:4] == ["どの街灯ですか", "聞きました：大通りです"]
    assert len([words for words in said if words.startswith("メッセージを受け取りました")]) <= 2


async def test_an_unsent_message_is_taken_back_and_forgotten(city: LineCity) -> None:
    user = await follower(city)
    await city.simulator.line.say(user, "街灯")
    await city.until_heard(user, 2)
    acted = await city.simulator.line.say(user, "消してほしい言葉")
    await city.until_heard(user, 4)
    await city.simulator.line.unsend(user, acted.message)
    await wait_until(lambda: city.lamps.said("retract"))
    assert city.lamps.said("retract")[0].retract.event_id == acted.event

    async def blanked() -> bool:
        async with city.pod.works(Work).begin("fukuoka") as work:
            payload = await work.db.fetchval("SELECT payload FROM inbound_events WHERE event_id = $1", acted.event)
        return bool(payload == b"")

    await wait_until(blanked)


async def test_a_place_is_taken_back_from_every_pod_that_it_may_have_gone_along_to(city: LineCity) -> None:
    user = await follower(city)
    acted = await city.simulator.line.locate(user, 33.59, 130.4)
    await city.until_heard(user, 2)
    await city.simulator.line.unsend(user, acted.message)
    await wait_until(lambda: city.lamps.said("retract"))
    assert city.lamps.said("retract")[0].retract.event_id == acted.event


async def test_a_block_is_noted_and_nothing_is_said(city: LineCity) -> None:
    user = await follower(city)
    acted = await city.simulator.line.block(user)
    await wait_until(lambda: _is_done(city, acted.event))
    assert city.identity.reachable == {user: False}
    assert await city.heard(user) == ["welcomeです"]


async def test_who_writes_can_be_reached_whatever_became_of_their_follow(city: LineCity) -> None:
    user = await follower(city)
    city.identity.reachable[user] = False
    await city.simulator.line.say(user, "街灯")
    await city.until_heard(user, 2)
    assert city.identity.reachable == {user: True}


async def test_a_photo_is_waited_for_while_its_host_falters(city: LineCity) -> None:
    user = await follower(city)
    await city.simulator.line.say(user, "街灯")
    await city.until_heard(user, 2)
    await city.simulator.line.press(user, "通りの街灯")
    await city.until_heard(user, 4)
    for status in (401, 500):
        await city.simulator.plan(Fault(path="/line-data/*/content", kind="status", status=status, count=2))
    await city.simulator.line.upload(user, JPEG, "image/jpeg")
    assert (await city.until_heard(user, 5))[4] == "受付番号 LMP-234-5"
    assert city.lamps.photos == [JPEG]


async def test_the_door_takes_only_what_line_signed(city: LineCity) -> None:
    line, destination = city.simulator.line, city.pod.settings.line_bot_user_id
    empty = orjson.dumps({"destination": destination, "events": []})
    odd = orjson.dumps({"destination": destination, "events": [{"type": "hologram"}, 7], "more": 1})
    broken = odd.replace(b"hologram", b"\\ud83d")
    stranger = orjson.dumps({"destination": "U" + "f" * 32, "events": []})
    expected = [
        *((empty, 200), (odd, 200), (broken, 200), (stranger, 404)),
        *((b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b"\xff", 400), (b" " * 4_000_001, 413)),
    ]
    assert [(await line.raw(body)).status for body, _ in expected] == [status for _, status in expected]
    assert (await line.raw(empty, {"x-line-signature": "AAAA"})).status == 401


async def test_menus_follow_pods_and_people_their_language(city: LineCity) -> None:
    user = await follower(city)

    async def menu_shown() -> bool:
        return (await city.simulator.line.resident(user)).menu is not None

    await wait_until(menu_shown)
    first = (await city.simulator.line.resident(user)).menu
    await city.simulator.line.say(user, "English please")
    await city.until_heard(user, 2)

    async def english() -> bool:
        menu = (await city.simulator.line.resident(user)).menu
        return menu is not None and menu != first

    await wait_until(english)
    assert await made_menus(city) == 2
    city.identity.default_language = "en"
    await city.pod.installed.put(BENCHES)
    await wait_until(lambda: _four_menus(city))
    await wait_until(lambda: _two_removed(city))
    second = (await city.simulator.line.resident(user)).menu
    assert second is not None
    assert second != first
    assert await city.simulator.refused() == []
    other = await follower(city)
    assert (await city.simulator.line.resident(other)).menu == second  # whoever chose nothing sees the default one


async def test_who_chose_a_language_and_has_no_menu_gets_one_when_they_write(city: LineCity) -> None:
    user = await follower(city)

    async def menu() -> object:
        return (await city.simulator.line.resident(user)).menu

    async def shown() -> bool:
        return await menu() is not None

    await wait_until(shown)
    for_all = await menu()
    city.identity.languages[f"c-{user}"] = "en"  # as after "unlink": another citizen, who chose long ago
    await city.simulator.line.say(user, "街灯")

    async def of_their_own() -> bool:
        return await menu() not in (None, for_all)

    await wait_until(of_their_own)


async def made_menus(city: LineCity) -> int:
    calls = await city.simulator.received("/v2/bot/richmenu")
    return len([call for call in calls if call.method == "POST" and call.path.endswith("/v2/bot/richmenu")])


async def _four_menus(city: LineCity) -> bool:
    return await made_menus(city) == 4


async def _two_removed(city: LineCity) -> bool:
    calls = await city.simulator.received("/v2/bot/richmenu/")
    return len([call for call in calls if call.method == "DELETE"]) == 2
