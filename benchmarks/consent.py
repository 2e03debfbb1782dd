"""`make bench-consent`: one check of a consent by rpc, beside the same check on bare grpc.aio; and 500 at once.

Both read identity's database. Ours authenticates the caller, asks the installed manifests, sets the tenant, and leaves
a span and a metric; the baseline does none of it.
"""

import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from benchmarks.baselines import bare_grpc
from benchmarks.platform_stub import PlatformStub
from benchmarks.results import keep, percentile
from benchmarks.stacks import Stack, platform_settings, ports_answer, running_program
from machi.consent.v1.consent_service_pb2 import (
    CONSENT_STATUS_GIVEN,
    CheckManyRequest,
    CheckRequest,
    CheckResponse,
    DecideRequest,
)
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceStub
from machi.identity.v1.identity_service_pb2 import ResolveRequest
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi_sdk.rpc import Peers, for_tenant
from machi_tools.embedded import ports

if TYPE_CHECKING:
    from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceAsyncStub
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

_PAIRS = 7
_CHECKS = 2_000
_AT_ONCE = 16
_MANY = 500
_ROUNDS_OF_MANY = 40
METADATA = for_tenant("fukuoka")
_PURPOSE = "reports.case-updates"
_DEADLINE = 5.0


class Asking:
    """The checks, one after another by sixteen callers at once."""

    def __init__(self, ours: "ConsentServiceAsyncStub", bare: "ConsentServiceAsyncStub", citizens: list[str]) -> None:
        self._ours = ours
        self._bare = bare
        self._citizens = citizens

    async def one_by_one(self) -> tuple[float, list[float]]:
        """Checks a second of ours, and how long each took."""
        return await self._rate(lambda asked: self._ours.Check(asked, timeout=_DEADLINE, metadata=METADATA))

    async def bare(self) -> tuple[float, list[float]]:
        """The same of the baseline."""
        return await self._rate(lambda asked: self._bare.Check(asked, timeout=_DEADLINE))

    async def many(self) -> float:
        """Citizens a second when 500 are asked for at once, by one caller."""
        asked = CheckManyRequest(citizen_ids=self._citizens[:_MANY], purpose=_PURPOSE)
        began = time.perf_counter()
        for _ in range(_ROUNDS_OF_MANY):
            answer = await self._ours.CheckMany(asked, timeout=_DEADLINE, metadata=METADATA)
            assert set(answer.statuses) == {CONSENT_STATUS_GIVEN}
        return _ROUNDS_OF_MANY * _MANY / (time.perf_counter() - began)

    async def one_caller(self) -> float:
        """Checks a second of ours by one caller, one after another: what `many` is compared with."""
        began = time.perf_counter()
        for citizen in self._citizens:
            asked = CheckRequest(citizen_id=citizen, purpose=_PURPOSE)
            await self._ours.Check(asked, timeout=_DEADLINE, metadata=METADATA)
        return len(self._citizens) / (time.perf_counter() - began)

    async def _rate(self, check: Callable[[CheckRequest], Awaitable[CheckResponse]]) -> tuple[float, list[float]]:
        waiting = iter([self._citizens[index % len(self._citizens)] for index in range(_CHECKS)])
        took: list[float] = []

        async def caller() -> None:
            for citizen in waiting:
                began = time.perf_counter()
                answer = await check(CheckRequest(citizen_id=citizen, purpose=_PURPOSE))
                took.append(time.perf_counter() - began)
                assert answer.status == CONSENT_STATUS_GIVEN

        began = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))
        return _CHECKS / (time.perf_counter() - began), took


async def measure(asking: Asking) -> dict[str, object]:
    """All figures."""
    await asking.one_by_one()
    await asking.bare()
    pairs = [(await asking.one_by_one(), await asking.bare()) for _ in range(_PAIRS)]
    ours, bare = (statistics.median(rate for rate, _ in column) for column in zip(*pairs, strict=True))
    times = [percentile([each for run in column for each in run[1]], 0.99) for column in zip(*pairs, strict=True)]
    one, many = await asking.one_caller(), await asking.many()
    return {
        "checks_per_s": round(ours), "bare_per_s": round(bare),
        "of_bare": round(statistics.median(mine[0] / theirs[0] for mine, theirs in pairs), 2),
        "p99_ms": round(times[0] * 1000, 1), "bare_p99_ms": round(times[1] * 1000, 1),
        "one_caller_per_s": round(one), "many_per_s": round(many), "many_times_one": round(many / one, 1),
    }  # fmt: skip


async def citizens(peers: Peers) -> list[str]:
    """People who have said yes."""
    stub: IdentityServiceAsyncStub = IdentityServiceStub(peers.channel("identity"))
    found = []
    for _ in range(_MANY):
        asked = ResolveRequest(channel="line", address=f"U{uuid.uuid4().hex}")
        person = await stub.Resolve(asked, timeout=_DEADLINE, metadata=METADATA)
        found.append(person.citizen_id)
    return found


async def say_yes(peers: Peers, citizen_ids: list[str]) -> None:
    """Let each of them allow messages about their cases."""
    stub: ConsentServiceAsyncStub = ConsentServiceStub(peers.channel("identity"))
    for citizen_id in citizen_ids:
        decided = DecideRequest(
            event_id=uuid.uuid4().hex,
            citizen_id=citizen_id,
            purpose=_PURPOSE,
            notice_version=1,
            status=CONSENT_STATUS_GIVEN,
            channel="line",
        )
        await stub.Decide(decided, timeout=_DEADLINE, metadata=METADATA)


async def main() -> None:
    """Start everything, measure, stop what was started."""
    stub = PlatformStub()
    await stub.start()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as cleanup:
        stack = cleanup.enter_context(Stack(Path(folder), platform_settings(stub.address)))
        port = ports.next_free(17600, set())
        database = stack.admin_url.rsplit("/", 1)[0] + "/identity"
        cleanup.enter_context(running_program(bare_grpc.__name__, str(port), database))
        await ports_answer(port)
        line, reports = stack.peers("channel-line"), stack.peers("reports")
        people = await citizens(line)
        await say_yes(reports, people)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as bare:
            ours = ConsentServiceStub(reports.channel("identity"))
            figures = await measure(Asking(ours, ConsentServiceStub(bare), people))
        await line.close()
        await reports.close()
    await stub.stop()
    for name, value in figures.items():
        print(f"{name:24} {value}")
    print(f"kept in {keep('consent', figures)}")


if __name__ == "__main__":
    asyncio.run(main())
