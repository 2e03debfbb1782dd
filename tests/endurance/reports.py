"""Reports by rpc, their cards in Slack, and a push for each, while pods, servers, and platforms falter."""

import asyncio
import math
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from machi_sdk.clock import SystemClock
from machi_sdk.database import Database
from machi_sdk.keys import Keys
from machi_sdk.rpc import Peers
from machi_sdk.texts import Texts
from machi_sdk.work import Origin, Work, Works
from machi_simulator.faults import Fault as PlatformFault
from machi_tools.embedded.given import GivenPostgres
from machi_tools.operator import running
from machi_tools.stack.databases import Databases
from machi_tools.stack.layout import Layout
from machi_tools.stack.secrets import SecretStore
from tests.city import ROOT, City, at_rest, pods_ready, words_in, words_of
from tests.endurance.crowd import NUMBER, Crowd, Officer
from tests.endurance.memory import Memory
from tests.endurance.trouble import Fault, Trouble
from tests.faults.judging import harmless

PODS = ("identity", "reports", "notifications", "channel-line", "channel-slack")
UNIT = 2_000
# Megabytes a process may grow per unit while its buffers fill, as they do for tens of thousands of reports, and in all:
# the kept runs had at most 0.92 over 12,000 to 30,000 reports, and 0.29 over 100,000, which is 15 in all.
_FLAT = 1.0
_FLAT_IN_ALL = 20.0
TAKEN_ON = Texts(ROOT / "services" / "reports" / "src" / "machi_reports" / "texts").say("ja", "state.acknowledged")
_PEOPLE = 12
_MOST_EACH = 1_500  # the demonstration's city takes 2,000 of a person and day
_HANG_SECONDS = 2.0
_LOOK_SECONDS = 1.0
_LONGEST_PAUSE = 60.0
_REST_SECONDS = 120.0
# From then on pods are not killed any more, only stopped, and all else goes on: the memory of long lives is seen.
_NO_KILLS_AFTER = 0.4
# So long faults go on after the last report was filed.
_UNDER_FIRE_SECONDS = 30.0
# Who is stopped between taking its turn and sending comes too close to the next one: Slack then says how long to wait.
_EARLY_ONES = 1 / 1000
_TOO_EARLY = "/slack/api/chat.postMessage: ratelimited"


@dataclass(frozen=True)
class Verdict:
    """What became of the reports: case numbers by what is wrong with them, and figures."""

    filed: int
    without_card: list[str]
    with_two_cards: list[str]
    behind: list[str]
    without_push: list[str]
    with_two_pushes: list[str]
    refused: list[str]
    too_early: list[str]
    at_rest: bool
    faults: dict[str, int]
    slopes: dict[str, float]
    highest: dict[str, float]

    def problems(self) -> dict[str, list[str]]:
        """What is wrong; empty when nothing is."""
        found = {
            "without card": self.without_card,
            "with two cards": self.with_two_cards,
            "with a card that is behind": self.behind,
            "without push": self.without_push,
            "with two pushes": self.with_two_pushes,
            "refused by a platform": self.refused,
            "too early for a platform": self.too_early if len(self.too_early) > self.filed * _EARLY_ONES else [],
        }
        return {what: cases for what, cases in found.items() if cases}


@dataclass(frozen=True)
class Ordeal:
    """So many reports, or what `seconds` are enough for, at most `rate` a second; a fault each `every` seconds."""

    count: int
    every: float
    rate: float
    drain_seconds: float
    seed: int = 1
    seconds: float = math.inf

    def share(self, filed: int, seconds: float) -> float:
        """How much of it is over."""
        return max(filed / self.count, seconds / self.seconds)


async def endure_reports(city: City, ordeal: Ordeal) -> Verdict:
    """File the reports, break things all the while, heal, drain, then judge by what both platforms received."""
    trouble, memory = Trouble(faults_of(city), ordeal.every, ordeal.seed), Memory()
    async with _speaking(city) as (crowd, officer):
        people = [await _resident(city) for _ in range(max(_PEOPLE, ordeal.count // _MOST_EACH + 1))]
        began = asyncio.get_running_loop().time()
        until = began + ordeal.seconds
        shares = _shares(people, ordeal)
        filing = [asyncio.create_task(_file(crowd, officer, user, due, until)) for user, due in shares]
        try:
            async with trouble.going_on():
                await _watched(city, crowd, filing, memory, partial(_spare, trouble, ordeal, began))
                await _drained(city, crowd, people, _UNDER_FIRE_SECONDS)
            await city.simulator.clear_faults()
            await city.until(partial(pods_ready, city), _REST_SECONDS, "a pod did not become ready again")
            await _drained(city, crowd, people, ordeal.drain_seconds)
            rested = await _rested(city)
        finally:
            for task in filing:
                task.cancel()
            await asyncio.gather(*filing, return_exceptions=True)
    cards, pushes = await _cards(city), await _pushes(city, people)
    behind = [each for each in crowd.filed if each in cards.behind]
    said = [f"{call.path}: {call.reason}" for call in await city.simulator.refused() if not harmless(call)]
    early, refused = [each for each in said if each == _TOO_EARLY], [each for each in said if each != _TOO_EARLY]
    return Verdict(
        len(crowd.filed), *_one_each(crowd, cards.found), behind, *_one_each(crowd, pushes), refused, early, rested,
        dict(trouble.made), memory.slopes(UNIT), memory.highest(),
    )  # fmt: skip


def flat(filed: int) -> float:
    """Megabytes a process may grow per unit in a run of so many reports."""
    return min(_FLAT, _FLAT_IN_ALL * UNIT / max(filed, 1))


def faults_of(city: City) -> dict[str, Fault]:
    """Everything that may break."""
    pods: dict[str, Fault] = {f"{pod} kill -9": partial(_signal, city, pod, signal.SIGKILL) for pod in PODS}
    servers: dict[str, Fault] = {f"{each} kill -9": partial(_signal, city, each, signal.SIGKILL) for each in _SERVERS}
    hangs: dict[str, Fault] = {f"{pod} hangs": partial(_hang, city, pod) for pod in PODS}
    platforms: dict[str, Fault] = {
        f"{fault.path.rsplit('/', 1)[-1]} {fault.kind}": partial(_plan, city, fault) for fault in _PLATFORM_FAULTS
    }
    return {**pods, **servers, **hangs, **platforms}


_SERVERS = ("kafka", "postgres")
_PLATFORM_FAULTS = (
    PlatformFault(path="/line/v2/bot/message/push", kind="status", status=500, count=3),
    PlatformFault(path="/line/v2/bot/message/push", kind="accept_then_reset", count=3),
    PlatformFault(path="/slack/api/chat.postMessage", kind="accept_then_reset", count=1),
    PlatformFault(path="/slack/api/chat.postMessage", kind="status", status=429, count=1),
)


async def _signal(city: City, name: str, number: signal.Signals) -> None:
    try:
        city.signal(name, number)
    except ProcessLookupError:
        return  # it has just died of the fault before


async def _hang(city: City, pod: str) -> None:
    pid = city.pids()[pod]
    await _signal(city, pod, signal.SIGSTOP)
    await asyncio.sleep(_HANG_SECONDS)
    if city.pids()[pod] == pid:
        await _signal(city, pod, signal.SIGCONT)


async def _plan(city: City, fault: PlatformFault) -> None:
    await city.simulator.plan(fault)


@asynccontextmanager
async def _speaking(city: City) -> AsyncIterator[tuple[Crowd, Officer]]:
    """The crowd with channel-line's credential, the officer with channel-slack's."""
    layout = Layout(ROOT, city.state)
    state = running(layout)
    cases = Databases(GivenPostgres(state.servers.postgres), SecretStore(layout.state / "secrets.json"))
    database = Database(cases.pod_url("reports"))
    addresses = {pod.name: pod.rpc for pod in state.pods}
    line, slack = (
        Peers(addresses, Keys(city.state / "keys" / pod, state.release)) for pod in ("channel-line", "channel-slack")
    )
    try:
        works = Works(database, Work, Origin("officer", SystemClock()))
        yield Crowd(line, state.tenant), Officer(slack, state.tenant, works)
    finally:
        await database.close()
        await line.close()
        await slack.close()


async def _resident(city: City) -> str:
    return (await city.resident()).user


def _shares(people: list[str], ordeal: Ordeal) -> Iterator[tuple[str, list[float]]]:
    """Each person, and after how many seconds each of their reports is due."""
    for place, user in enumerate(people):
        yield user, [serial / ordeal.rate for serial in range(place, ordeal.count, len(people))]


async def _file(crowd: Crowd, officer: Officer, user: str, due: list[float], until: float) -> None:
    """One person's share of the reports, none before its time or after the whole run's, and each taken on."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for seconds in due:
        await asyncio.sleep(min(began + seconds, until) - loop.time())
        if loop.time() >= until:
            return
        await officer.take_on(await crowd.file(user))


def _spare(trouble: Trouble, ordeal: Ordeal, began: float, filed: int) -> None:
    if ordeal.share(filed, asyncio.get_running_loop().time() - began) >= _NO_KILLS_AFTER:
        trouble.spare(f"{pod} kill -9" for pod in PODS)


async def _watched(
    city: City, crowd: Crowd, filing: list["asyncio.Task[None]"], memory: Memory, seen: Callable[[int], None]
) -> None:
    """Until all is filed; whatever kept a resident from it is raised."""
    waiting = set(filing)
    while waiting:
        done, waiting = await asyncio.wait(waiting, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        seen(len(crowd.filed))
        pids = city.pids()
        memory.sample(len(crowd.filed), {pod: pids[pod] for pod in PODS if pod in pids})


async def _drained(city: City, crowd: Crowd, people: list[str], seconds: float) -> None:
    """Until each case has a card that says what became of it, and a push, or the time is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (began := loop.time()) < until:
        cards, pushes = await _cards(city), await _pushes(city, people)
        if crowd.filed.keys() <= cards.found.keys() and crowd.filed.keys() <= pushes.keys() and not cards.behind:
            return
        await asyncio.sleep(min(max(_LOOK_SECONDS, 4 * (loop.time() - began)), _LONGEST_PAUSE))


@dataclass(frozen=True)
class Cards:
    """How often cases stand in the desks' channels, and which have a card that does not yet say they were taken on."""

    found: Counter[str]
    behind: set[str]


async def _cards(city: City) -> Cards:
    """A case may stand in a list, and in its card, too."""
    cards: Counter[str] = Counter()
    lists: Counter[str] = Counter()
    behind: set[str] = set()
    for channel in await city.simulator.slack.channels():
        messages = [] if channel.im else await city.simulator.slack.messages(channel.id)
        for message in messages:
            if not message.thread_ts and not message.seen_by:
                listed = (message.metadata or {}).get("event_type") == "machi_digest"
                words = words_of(message)
                numbers = set(NUMBER.findall(words))
                (lists if listed else cards).update(numbers)
                behind |= set() if listed or TAKEN_ON in words else numbers
    return Cards(cards | lists, behind)


async def _pushes(city: City, people: list[str]) -> Counter[str]:
    """Messages to residents that name a case: here a case is told of once, when the officer takes it on."""
    found: Counter[str] = Counter()
    for user in people:
        for message in await city.simulator.line.heard(user):
            found.update(set(NUMBER.findall(words_in(message.content))))
    return found


def _one_each(crowd: Crowd, found: Counter[str]) -> tuple[list[str], list[str]]:
    return [each for each in crowd.filed if not found[each]], [each for each in crowd.filed if found[each] > 1]


async def _rested(city: City) -> bool:
    try:
        return await city.until(partial(at_rest, city), _REST_SECONDS, "the city did not come to rest")
    except TimeoutError:
        return False
