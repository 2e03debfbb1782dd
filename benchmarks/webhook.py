"""`make bench-webhook`: LINE webhook → Kafka → Resolve → Turn → reply, beside a hand-written one-hop program.

Both run on one PostgreSQL and one Kafka, in the same run, interleaved. Every event is a text of a resident of its own.
The way on to the card in Slack is measured at two reports a second: Slack takes one message a second in each channel.
"""

import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import asyncpg
import orjson
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.baselines import one_hop
from benchmarks.cards import Reporters
from benchmarks.load import SECRET, Load, user_of
from benchmarks.platform_stub import PlatformStub
from benchmarks.results import keep, percentile
from benchmarks.stacks import Stack, platform_settings, ports_answer, running_program
from machi_sdk.texts import Texts
from machi_tools.embedded import ports

_PAIRS = 3
_DRAIN_SECONDS = 180
_NOTICE = Texts(Path("services/channel-line/src/machi_channel_line/texts")).say("ja", "waiting").encode()


class Bench:
    """One stack, one baseline, one stub."""

    def __init__(self, stub: PlatformStub, session: aiohttp.ClientSession, ours: str, baseline: str) -> None:
        self._stub = stub
        self._session = session
        self._ours = ours
        self._baseline = baseline

    async def ours(self, rate: float, seconds: float, words: str = "help") -> tuple[Load, list[float]]:
        """Latency from webhook to reply."""
        return await self._run(self._ours, (rate, seconds, words), self._answered)

    async def one_hop(self, rate: float, seconds: float) -> tuple[Load, list[float]]:
        """Latency from webhook to Slack of the baseline."""
        return await self._run(self._baseline, (rate, seconds, "help"), self._posted)

    async def cards(self, people: int, rate: float) -> list[float]:
        """Latency from the last webhook of a report to its card."""
        return await Reporters(Load(self._session, self._ours), self._stub).latencies(people, rate)

    def _answered(self, left: Iterable[str]) -> dict[str, float]:
        """When each person was answered; "we have your message" is no answer."""
        stub, seen = self._stub, {}
        for event in left:
            said = [*filter(None, [stub.replied.get(event)]), *stub.pushed.get(user_of(event), ())]
            answers = [at for at, body in said if _NOTICE not in body]
            if answers:
                seen[event] = min(answers)
        return seen

    def _posted(self, _left: Iterable[str]) -> dict[str, float]:
        return {orjson.loads(body)["text"]: at for at, body in self._stub.posted if body.startswith("{")}

    async def _run(
        self, url: str, plan: tuple[float, float, str], arrived: Callable[[Iterable[str]], dict[str, float]]
    ) -> tuple[Load, list[float]]:
        load = Load(self._session, url)
        await load.at(*plan)
        deadline = time.perf_counter() + _DRAIN_SECONDS
        seen = arrived(load.left)
        while time.perf_counter() < deadline and not load.left.keys() <= seen.keys():
            await asyncio.sleep(0.1)
            seen = arrived(load.left)
        return load, [seen[event] - left for event, left in load.left.items() if event in seen]


async def measure(bench: Bench, stack: Stack) -> dict[str, object]:
    """All figures."""
    await bench.ours(20, 5)
    await bench.one_hop(20, 5)
    pairs = []
    for _ in range(_PAIRS):
        ours, base = await bench.ours(50, 8), await bench.one_hop(50, 8)
        pairs.append(tuple(percentile(run[1], share) * 1000 for run in (ours, base) for share in (0.5, 0.99)))
    p50, p99, base50, base99 = (statistics.median(column) for column in zip(*pairs, strict=True))
    cards = await bench.cards(40, 2)
    card50, card99 = percentile(cards, 0.5) * 1000, percentile(cards, 0.99) * 1000
    acks = (await bench.ours(200, 5))[0].acks
    base_acks = (await bench.one_hop(200, 5))[0].acks
    began = time.perf_counter()
    burst, answered = await bench.ours(500, 10)
    drained = time.perf_counter() - began
    calm, hung = await hung_pod(bench, stack)
    return {
        "turn_p50_ms": round(p50, 1), "turn_p99_ms": round(p99, 1),
        "one_hop_p50_ms": round(base50, 1), "one_hop_p99_ms": round(base99, 1),
        "p50_ratio": round(p50 / base50, 2), "p99_ratio": round(p99 / base99, 2),
        "card_p50_ms": round(card50, 1), "card_p99_ms": round(card99, 1), "card_p50_ratio": round(card50 / base50, 2),
        "ack_p99_ms": round(percentile(acks, 0.99) * 1000, 1),
        "one_hop_ack_p99_ms": round(percentile(base_acks, 0.99) * 1000, 1),
        "burst_sent": len(burst.left) + burst.refused, "burst_accepted": len(burst.left),
        "burst_answered": len(answered), "burst_drained_s": round(drained, 1),
        "sustained_turns_per_s": round(len(answered) / drained, 1),
        "calm_p99_ms": round(calm, 1), "hung_p99_ms": round(hung, 1), "hung_ratio": round(hung / calm, 2),
    }  # fmt: skip


async def hung_pod(bench: Bench, stack: Stack) -> tuple[float, float]:
    """p99 in ms of other pods' turns, calm and with the reports pod stopped while residents talk to it."""
    calm = percentile((await bench.ours(20, 8))[1], 0.99) * 1000
    pid = stack.pid("reports")
    os.kill(pid, signal.SIGSTOP)
    try:
        stuck = asyncio.create_task(bench.ours(5, 8, "通報"))
        await asyncio.sleep(1)
        hung = percentile((await bench.ours(20, 8))[1], 0.99) * 1000
    finally:
        os.kill(pid, signal.SIGCONT)
    await stuck
    return calm, hung


async def main() -> None:
    """Start everything, measure, stop what was started."""
    stub = PlatformStub()
    await stub.start()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as cleanup:
        stack = cleanup.enter_context(Stack(Path(folder), platform_settings(stub.address)))
        port = ports.next_free(17500, set())
        database = await _database(stack)
        await _topic(stack.bootstrap)
        cleanup.enter_context(
            running_program(
                one_hop.__name__, str(port), database, stack.bootstrap, f"{stub.address}/slack/api/", SECRET
            )
        )
        await ports_answer(port)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            bench = Bench(stub, session, stack.line_webhook, f"http://127.0.0.1:{port}/")
            figures = await measure(bench, stack)
    await stub.stop()
    for name, value in figures.items():
        print(f"{name:24} {value}")
    print(f"kept in {keep('webhook', figures)}")


async def _database(stack: Stack) -> str:
    admin = await asyncpg.connect(stack.admin_url)
    await admin.execute("DROP DATABASE IF EXISTS bench")
    await admin.execute("CREATE DATABASE bench")
    await admin.close()
    return stack.admin_url.rsplit("/", 1)[0] + "/bench"


async def _topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(one_hop.TOPIC, num_partitions=6, replication_factor=1)])
    await admin.close()


if __name__ == "__main__":
    asyncio.run(main())
