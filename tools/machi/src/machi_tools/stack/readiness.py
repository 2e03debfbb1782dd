"""Asks pods and the simulator whether they are ready."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from machi_tools.embedded.process import last_line
from machi_tools.errors import StackError, reason
from machi_tools.stack.plan import Plan
from machi_tools.stack.state import Step

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What a health address said: 0 when nothing answered."""

    status: int
    words: str

    @property
    def good(self) -> bool:
        """True for 200."""
        return self.status == 200


async def ask(session: aiohttp.ClientSession, url: str, longest: int = 300) -> Answer:
    """One short question."""
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=3)) as response:
            return Answer(response.status, (await response.text()).strip()[:longest])
    except (aiohttp.ClientError, OSError) as error:
        return Answer(0, reason(error))
    except TimeoutError:
        return Answer(0, "no answer within 3 s")


async def wait_ready(plan: Plan, step: Step, save: Callable[[], None], check_alive: Callable[[], None]) -> None:
    """Wait until every pod and the simulator are ready; StackError names the first that is not."""
    waiting = {pod.name: f"http://{plan.http(pod.name)}/readyz" for pod in plan.pods}
    if plan.has_simulator:
        waiting["simulator"] = f"http://{plan.simulator}/livez"
    deadline = time.monotonic() + PATIENCE_SECONDS
    async with aiohttp.ClientSession() as session:
        while waiting:
            answers = await asyncio.gather(*(ask(session, url) for url in waiting.values()))
            reasons = {name: answer for name, answer in zip(list(waiting), answers, strict=True) if not answer.good}
            waiting = {name: waiting[name] for name in reasons}
            step.detail = "waiting for " + ", ".join(waiting) if waiting else ""
            save()
            check_alive()
            if waiting and time.monotonic() > deadline:
                raise not_ready(plan, reasons)
            await asyncio.sleep(0.1 if waiting else 0)


def not_ready(plan: Plan, reasons: dict[str, Answer]) -> StackError:
    """Name the first that is not ready and why."""
    name, answer = next(iter(reasons.items()))
    return StackError(f"{name} is not ready: {answer.words or answer.status}", "read its log", plan.layout.log(name))


def keeps_dying(name: str, log: Path) -> StackError:
    """Why a process cannot live; a port that was free when it was chosen may have been taken since."""
    word = last_line(log)
    if "bind" in word or "already in use" in word:
        return StackError(f"{name} found its port taken: {word}", "`make up` again, it chooses another port", log)
    return StackError(f"{name} keeps dying: {word}", "read its log", log)


def first_told(error: BaseException) -> StackError | None:
    """The first error meant for a person inside a group of errors."""
    if isinstance(error, StackError):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((told for told in map(first_told, inner) if told), None)
