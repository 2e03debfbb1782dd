"""What must be true after healing, judged by what the people on both platforms received."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import psutil

from machi_simulator.calls import ApiCall
from tests.city import City, ResidentAtPhone, at_rest, wait_ready, words_in
from tests.story import number_in

HEALED_SECONDS = 45.0


async def receipt(resident: ResidentAtPhone, seconds: float = HEALED_SECONDS) -> str:
    """The case number, however the answer came; it may come behind the notice that the message is here."""

    async def look() -> str:
        words = [words_in(each.content) for each in await resident.city.simulator.line.heard(resident.user)]
        return next((each for each in words if "受付番号" in each and "通報を受け付けました" in each), "")

    return number_in(await resident.city.until(look, seconds, "no case number after healing"))


async def settled(city: City, number: str) -> None:
    """One card, nothing refused, everything ready."""
    await city.card(number, HEALED_SECONDS)
    await wait_ready(city)
    assert len(await city.cards(number)) == 1
    refused = [(call.path, call.reason) for call in await city.simulator.refused() if not harmless(call)]
    assert refused == [], refused


def harmless(call: ApiCall) -> bool:
    """The platforms' ways of saying that they had taken the first try after all; and what sends nothing.

    That is questions, and a new city's channels, of which Slack makes twenty a minute and then says how long to wait.
    """
    deleted_before = call.path.endswith("/files.delete") and "file_not_found" in call.reason
    taken_before = call.status == 409 or "Invalid reply token" in call.reason or deleted_before
    wait_for_channel = call.path.endswith("/conversations.create") and call.reason == "ratelimited"
    return taken_before or wait_for_channel or call.method == "GET" or call.path.endswith("/auth.test")


async def told_about(resident: ResidentAtPhone, before: str, number: str) -> list[str]:
    """Messages after `before` that name the case."""
    heard = await resident.city.simulator.line.heard(resident.user, before)
    return [words for words in (words_in(each.content) for each in heard) if number in words]


async def doomed(city: City, places: dict[str, str]) -> dict[str, int]:
    """Let each pod die at its place, once; returns their process ids.

    A pod that still has something to publish would die of that, so the city comes to rest before.
    """
    for _ in range(2):  # what is on its way between two pods shows at the second look
        await city.until(partial(at_rest, city), 20, "the city did not come to rest")
    pids = await asyncio.gather(*(city.restart(pod, CRASH_AT=place) for pod, place in places.items()))
    return dict(zip(places, pids, strict=True))


async def have_died(city: City, pids: dict[str, int]) -> None:
    """Each place was passed: another process is the pod now, and ready."""
    for pod, pid in pids.items():
        await city.until(partial(city.is_anew, pod, pid), HEALED_SECONDS, f"{pod} did not die there")


@contextmanager
def hung(city: City, server: str) -> Iterator[None]:
    """Stop the server with everything it started; it is there, and does not answer."""
    leader = psutil.Process(city.pids()[server])
    leader.suspend()
    family = [leader, *leader.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()
