"""Carries the platforms' webhooks: tries, retries, and the faults planned for the way."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import aiohttp
import structlog
from pydantic import BaseModel, Field

from machi_simulator.changes import Changes
from machi_simulator.clock import Clock
from machi_simulator.faults import Fault, Faults
from machi_simulator.journal import Document, Journal, Table

KEPT = 50_000
MOST_ANSWER = 1_000_000
log = structlog.get_logger()


class Attempt(BaseModel):
    """One try: when, the status (0: no answer), and what went wrong."""

    at: float
    status: int
    took: float = 0.0
    error: str = ""


class Delivery(Document):
    """One webhook, however often it was tried. `id` is the event id where the platform has one."""

    platform: Literal["line", "slack"]
    kind: str
    url: str
    body: str
    owner: str = ""
    state: Literal["pending", "delivered", "failed", "lost"] = "pending"
    attempts: list[Attempt] = Field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What the receiver answered; status 0 means nothing came in time."""

    status: int
    body: bytes = b""
    error: str = ""

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Posting:
    """How one try is made: fresh body and headers for try number `n`, time limit, waits between tries."""

    make: Callable[[int], tuple[bytes, dict[str, str]]]
    timeout: float
    delays: tuple[float, ...]


class Courier:
    """Sends webhooks in the background; every try is noted."""

    def __init__(self, clock: Clock, journal: Journal, faults: Faults, changes: Changes) -> None:
        self.deliveries = Table(journal, "delivery", Delivery)
        self._clock = clock
        self._faults = faults
        self._changes = changes
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Answer]] = set()

    async def open(self) -> None:
        """Make ready to send."""
        self._session = aiohttp.ClientSession(auto_decompress=False)

    async def close(self) -> None:
        """Stop sending; what is pending stays pending in the journal."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def dispatch(self, delivery: Delivery, posting: Posting) -> asyncio.Task[Answer]:
        """Deliver in the background, with retries."""
        self.deliveries.put(delivery)
        self.deliveries.trim(KEPT)
        return self._spawn(self._carry(delivery, posting))

    def _spawn(self, work: Coroutine[object, object, Answer]) -> asyncio.Task[Answer]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry(self, delivery: Delivery, posting: Posting) -> Answer:
        fault = self._faults.take(f"webhook/{delivery.platform}{_path(delivery)}")
        if fault is not None and fault.kind == "lost":
            self._settle(delivery, "lost")
            return Answer(0, error="lost")
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.ms / 1000)
        answer = await self._try(delivery, posting, fault)
        for delay in posting.delays:
            if answer.ok:
                break
            await asyncio.sleep(delay)
            answer = await self._try(delivery, posting, None)
        self._settle(delivery, "delivered" if answer.ok else "failed")
        if fault is not None and fault.kind == "duplicate":
            await self._try(delivery, posting, None)
        return answer

    async def _try(self, delivery: Delivery, posting: Posting, fault: Fault | None) -> Answer:
        started = self._clock.now()
        if fault is not None and fault.kind == "drop_try":
            answer = Answer(0, error="dropped on the way")
        else:
            body, headers = posting.make(len(delivery.attempts))
            answer = await self.post(delivery.url, body, headers, posting.timeout)
        attempt = Attempt(at=started, status=answer.status, took=self._clock.now() - started, error=answer.error)
        delivery.attempts.append(attempt)
        self.deliveries.put(delivery)
        self._changes.notify()
        return answer

    async def post(self, url: str, body: bytes, headers: dict[str, str], seconds: float) -> Answer:
        """One POST; a missing answer is an Answer with status 0."""
        if self._session is None:
            return Answer(0, error="closed")
        try:
            limit = aiohttp.ClientTimeout(total=seconds)
            async with self._session.post(url, data=BytesIO(body), headers=headers, timeout=limit) as response:
                return Answer(response.status, await response.content.read(MOST_ANSWER))
        except TimeoutError:
            return Answer(0, error=f"no answer within {seconds:g} s")
        except aiohttp.ClientError as error:
            return Answer(0, error=type(error).__name__)

    def _settle(self, delivery: Delivery, state: Literal["delivered", "failed", "lost"]) -> None:
        delivery.state = state
        self.deliveries.put(delivery)
        if state == "failed":
            log.warning("webhook not delivered", platform=delivery.platform, kind=delivery.kind)
        self._changes.notify()


def _path(delivery: Delivery) -> str:
    return "" if delivery.platform == "line" else f"/{delivery.kind.split(':')[0]}"
