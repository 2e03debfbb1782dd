"""A server hangs or is dead: webhooks are answered in time all the same, and what was accepted is not lost."""

import signal
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from machi_simulator.courier import Attempt
from machi_simulator.testing_wire import RawAnswer
from tests.city import City, ResidentAtPhone, wait_ready, words_in
from tests.faults.judging import HEALED_SECONDS, hung, settled
from tests.story import OFFICER_HAKATA, file_report

pytestmark = [pytest.mark.faults, pytest.mark.stack]
IN_TIME = 2.0
FORM = {"content-type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def away(city: City, server: str, how: str) -> AsyncIterator[None]:
    """No such server for a while; at the end everything is ready again."""
    if how == "hung":
        with hung(city, server):
            yield
    else:
        city.signal(server, signal.SIGKILL)
        yield
    await wait_ready(city, HEALED_SECONDS)


async def first_try(city: City, event_id: str) -> Attempt:
    """How the webhook's first try went."""

    async def look() -> Attempt | None:
        tries = (each.attempts for each in await city.simulator.webhooks() if each.id == event_id)
        return next((found[0] for found in tries if found), None)

    found = await city.until(look, what="the webhook was never tried")
    assert found is not None
    return found


async def timed(answer: Awaitable[RawAnswer]) -> tuple[int, bool]:
    """The status, and whether it came in time."""
    started = time.monotonic()
    status = (await answer).status
    return status, time.monotonic() - started < IN_TIME


async def a_press(city: City, resident: ResidentAtPhone, number: str) -> bytes:
    """An officer's press that has had its effect: to deliver it once more does no harm."""
    before = await resident.last()
    await city.simulator.slack.press(OFFICER_HAKATA, await city.card(number), "acknowledge")
    await resident.hears(before)
    found = await city.simulator.webhooks("slack", "interactivity:block_actions")
    return found[-1].body.encode()


@pytest.mark.parametrize("how", ["hung", "dead"])
async def test_without_kafka_nothing_is_accepted(city: City, how: str) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    press = await a_press(city, resident, number)
    card = await city.card(number)
    before = await resident.last()
    async with away(city, "kafka", how):
        said = await city.simulator.line.say(resident.user, "自分の通報")
        await city.simulator.slack.say(OFFICER_HAKATA, card.channel, "どの角ですか。", card.ts)
        written = (await city.simulator.webhooks("slack", "events:message"))[-1]
        pressed = await timed(city.simulator.slack.raw("interactivity", press, FORM))
        tries = [await first_try(city, event) for event in (said.event, written.id)]
    assert [(each.status, each.took < IN_TIME) for each in tries] == [(503, True), (503, True)]
    assert pressed == (503, True)

    async def both() -> bool:
        heard = [words_in(each.content) for each in await city.simulator.line.heard(resident.user, before)]
        return any("どの角ですか。" in words for words in heard) and any("道路・歩道" in words for words in heard)

    await city.until(both, HEALED_SECONDS, "it was delivered again, and nobody answered")
    assert await timed(city.simulator.slack.raw("interactivity", press, FORM)) == (200, True)
    await settled(city, number)


@pytest.mark.parametrize(("how", "answers"), [("hung", {503}), ("dead", {200, 503})], ids=["hung", "dead"])
async def test_without_postgresql_what_is_accepted_is_answered_later(city: City, how: str, answers: set[int]) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    press = await a_press(city, resident, number)
    before = await resident.last()
    async with away(city, "postgres", how):
        said = await city.simulator.line.say(resident.user, "自分の通報")
        status, in_time = await timed(city.simulator.slack.raw("interactivity", press, FORM))
        tried = await first_try(city, said.event)
    assert (tried.status, tried.took < IN_TIME) == (200, True), "an event goes to Kafka, whatever the database does"
    assert (status in answers, in_time) == (True, True)
    assert "道路・歩道" in await resident.hears(before, HEALED_SECONDS), "accepted, and lost"
    assert await timed(city.simulator.slack.raw("interactivity", press, FORM)) == (200, True)
    await settled(city, number)
