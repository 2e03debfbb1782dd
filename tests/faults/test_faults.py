"""Things break in the middle of the flow; after healing every accepted message has had its one effect."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import pytest

from machi_simulator.faults import Fault
from tests.city import City, wait_ready, words_in, words_of
from tests.faults.judging import HEALED_SECONDS, receipt, settled, told_about
from tests.story import LEAD, OFFICER_HAKATA, Filing, file_report, submit, to_confirm

pytestmark = [pytest.mark.faults, pytest.mark.stack]

PODS = ["identity", "reports", "notifications", "channel-line", "channel-slack"]
FILING = Filing()


@pytest.mark.parametrize("pod", PODS)
async def test_kill_9_in_the_middle_of_a_report(city: City, pod: str) -> None:
    resident = await city.resident()
    await to_confirm(resident, FILING)
    await city.simulator.line.press(resident.user, "送る")
    city.signal(pod, signal.SIGKILL)
    await settled(city, await receipt(resident))


@pytest.mark.parametrize("pod", PODS)
async def test_kill_9_while_an_officer_resolves(city: City, pod: str) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words="直しました。")
    city.signal(pod, signal.SIGKILL)
    await resident.hears(before, HEALED_SECONDS)
    await settled(city, number)
    told = [words_in(each.content) for each in await city.simulator.line.heard(resident.user, before)]
    assert sum("直しました。" in words for words in told) == 1


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_a_server_dies_and_comes_back(city: City, server: str) -> None:
    resident = await city.resident()
    await to_confirm(resident, FILING)
    city.signal(server, signal.SIGKILL)
    await city.simulator.line.press(resident.user, "送る")
    await settled(city, await receipt(resident, 60))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/line/v2/bot/message/reply", kind="status", status=500, count=2),
        Fault(path="/line/v2/bot/message/reply", kind="status", status=429, count=2),
        Fault(path="/line/v2/bot/message/reply", kind="accept_then_hang", ms=0),
        Fault(path="/line/v2/bot/message/reply", kind="accept_then_reset"),
        Fault(path="webhook/line", kind="duplicate"),
        Fault(path="webhook/line", kind="drop_try"),
        Fault(path="/slack/api/chat.postMessage", kind="status", status=429, count=2),
        Fault(path="/slack/api/chat.postMessage", kind="accept_then_reset"),
        Fault(path="/slack/api/chat.postMessage", kind="status", status=500, count=2),
    ],
    ids=lambda fault: f"{fault.path.rsplit('/', 1)[-1]}-{fault.kind}-{fault.status}",
)
async def test_a_platform_falters(city: City, fault: Fault) -> None:
    resident = await city.resident()
    await to_confirm(resident, FILING)
    await city.simulator.plan(fault)
    await city.simulator.line.press(resident.user, "送る")
    await settled(city, await receipt(resident))


@pytest.mark.parametrize("kind", ["status", "accept_then_hang", "accept_then_reset"])
async def test_a_push_falters_and_arrives_once(city: City, kind: str) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    before = await resident.last()
    await city.simulator.plan(Fault.model_validate({"path": "/line/v2/bot/message/push", "kind": kind, "count": 1}))
    await city.simulator.slack.press(OFFICER_HAKATA, card, "acknowledge")
    await resident.hears(before, HEALED_SECONDS)
    await settled(city, number)
    assert len(await told_about(resident, before, number)) == 1


async def test_a_hung_pod_holds_nobody_else(city: City) -> None:
    waiting, other = await city.resident(), await city.resident()
    await waiting.say("ヘルプ")
    before = await waiting.last()
    city.signal("reports", signal.SIGSTOP)
    try:
        await city.simulator.line.say(waiting.user, "通報")
        assert "English" in await other.say("言語", 5)
        assert "通報" not in await waiting.hears(before)
        noticed = await waiting.last()
    finally:
        city.signal("reports", signal.SIGCONT)
    assert "何について" in await waiting.hears(noticed, HEALED_SECONDS)
    await wait_ready(city)


async def test_two_officers_press_at_once(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    before = await resident.last()
    press = city.simulator.slack.press
    await asyncio.gather(press(OFFICER_HAKATA, card, "acknowledge"), press(LEAD, card, "acknowledge"))
    await resident.hears(before)

    async def one_was_told() -> bool:
        messages = await city.simulator.slack.messages(card.channel)
        return sum("すでに" in words_of(message) for message in messages if message.seen_by) >= 1

    await city.until(one_was_told, what="nobody heard that it was done already")
    assert len(await told_about(resident, before, number)) == 1


async def test_two_messages_at_once_are_answered_in_order(city: City) -> None:
    resident = await city.resident()
    await resident.say("通報")
    before = await resident.last()
    say = city.simulator.line.say
    acts: list[Callable[[], Awaitable[object]]] = [lambda: say(resident.user, "1"), lambda: say(resident.user, "2")]
    for act in acts:
        await act()

    async def both() -> bool:
        return "場所を教えて" in await resident.hears(before)

    assert await city.until(both, what="the second answer was not taken")


async def test_an_old_button_brings_the_present_question(city: City) -> None:
    resident = await city.resident()
    await resident.say("通報")
    old = next(each for each in await city.simulator.line.buttons(resident.user) if "街灯" in each.label)
    await resident.press("道路・歩道")
    data = str(old.action["data"])
    answer = await resident.does(lambda: city.simulator.line.postback(resident.user, data))
    assert "どのような状態ですか" in answer
