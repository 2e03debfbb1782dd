"""Linking while things break: the two are one person, once, and every pod comes to know it."""

import asyncio
import signal
from collections.abc import Sequence
from functools import partial

import aiohttp
import pytest

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi_sdk.testing import publish, read_all
from machi_sdk.testing.kafka import Event
from tests.city import City, ResidentAtPhone, at_rest, wait_ready, words_of
from tests.direct import ResidentOnSlack, newcomer
from tests.faults.judging import HEALED_SECONDS, doomed, harmless, have_died, hung
from tests.linking import code_in, file_on_slack
from tests.story import file_report

pytestmark = [pytest.mark.faults, pytest.mark.stack]
Two = tuple[ResidentAtPhone, ResidentOnSlack]


async def about_to_link(city: City) -> tuple[Two, Sequence[str]]:
    """Two channels of one person with a case on each, at the last question; and the case numbers."""
    phone, slack = await city.resident(), await newcomer(city)
    numbers = (await file_report(phone), await file_on_slack(slack))
    code = code_in(await phone.say("連携"))
    await slack.say(f"連携 {code}")
    return (phone, slack), numbers


async def merges(city: City) -> dict[str, CitizenMerged]:
    """Every merge that was said on Kafka, however often, by who is gone."""
    found = [record.event for record in await read_all(city.kafka(), "machi.citizens.v1")]
    return {event.from_id: event for event in found if isinstance(event, CitizenMerged)}


async def is_waiting(city: City) -> bool:
    """Whether an event of a resident on Slack waits for a pod that does not answer."""
    async with aiohttp.ClientSession() as session, session.get(f"{city.http()['channel-slack']}/metrics") as answer:
        return 'machi_inbound_open{state="waiting"} 1.0' in await answer.text()


async def answered(slack: ResidentOnSlack) -> int:
    """How often the person was told that the channels are linked."""
    heard = await slack.city.simulator.slack.heard(slack.user)
    return sum("連携しました" in words_of(message) for message in heard)


async def confirm(city: City, slack: ResidentOnSlack) -> None:
    """Press yes, without waiting for the answer."""
    await city.simulator.slack.press(slack.user, *await slack.button("はい、連携する"))


async def one_person(city: City, two: Two, numbers: Sequence[str]) -> None:
    """The person hears of it once, both channels show both cases, all comes to rest, nothing is refused."""
    phone, slack = two
    await city.until(partial(answered, slack), HEALED_SECONDS, "no answer after healing")
    await wait_ready(city)
    for words in (await phone.say("自分の通報", HEALED_SECONDS), await slack.command("cases")):
        assert all(number in words for number in numbers)
    await city.until(partial(at_rest, city), HEALED_SECONDS, "the city did not come to rest")
    assert await answered(slack) == 1
    refused = [(call.path, call.reason) for call in await city.simulator.refused() if not harmless(call)]
    assert refused == []


@pytest.mark.parametrize("place", ["before_merge_commit", "after_merge_before_answer", "after_publish_before_delete"])
async def test_identity_dies_in_the_middle_of_a_merge(city: City, place: str) -> None:
    two, numbers = await about_to_link(city)
    before = await merges(city)
    pids = await doomed(city, {"identity": place})
    await confirm(city, two[1])
    await have_died(city, pids)
    await one_person(city, two, numbers)
    assert len((await merges(city)).keys() - before.keys()) == 1


@pytest.mark.parametrize("pod", ["identity", "reports", "notifications", "channel-line", "channel-slack"])
async def test_kill_9_while_two_channels_are_linked(city: City, pod: str) -> None:
    two, numbers = await about_to_link(city)
    await confirm(city, two[1])
    city.signal(pod, signal.SIGKILL)
    await one_person(city, two, numbers)


async def test_kafka_is_away_during_a_merge(city: City) -> None:
    two, numbers = await about_to_link(city)
    city.signal("identity", signal.SIGSTOP)
    await confirm(city, two[1])
    await city.until(partial(is_waiting, city), what="the press was not taken")
    with hung(city, "kafka"):
        city.signal("identity", signal.SIGCONT)
        await city.until(partial(answered, two[1]), HEALED_SECONDS, "no answer without Kafka")
    await one_person(city, two, numbers)


async def test_a_merge_that_is_heard_of_again_and_again_changes_nothing(city: City) -> None:
    two, numbers = await about_to_link(city)
    before = await merges(city)
    await two[1].press("はい、連携する")

    async def said() -> list[CitizenMerged]:
        return [event for from_id, event in (await merges(city)).items() if from_id not in before]

    (merge,) = await city.until(said, what="the merge was not said")
    for key in (merge.into_id, "another-key", merge.into_id):
        await publish(city.kafka(), "machi.citizens.v1", [Event(key, merge)])
    await one_person(city, two, numbers)
    assert (await asyncio.to_thread(city.doctor))["ok"], "parked or unready"
