"""Each pod: its process, what it says of itself, and its figures."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TypedDict

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from machi_tools.diagnosis.findings import Look
from machi_tools.diagnosis.waiting import look_at_waiting
from machi_tools.stack.layout import Layout
from machi_tools.stack.readiness import Answer, ask
from machi_tools.stack.state import PodAddresses, State

OLD_OUTBOX_SECONDS = 60.0
MENUS_BEHIND = "machi_line_menus_behind"
CHANNELS_OFF = "machi_channels_off"


class PodReport(TypedDict):
    """One pod as it is now; `reason` says why it is not ready."""

    name: str
    pid: int | None
    restarts: int
    http: str
    rpc: str
    live: bool
    ready: bool
    reason: str
    lag: float
    outbox_age: float
    parked: float


@dataclass(frozen=True)
class Pages:
    """What a pod answered at /livez, /readyz, and /metrics."""

    live: Answer
    ready: Answer
    metrics: Answer


@dataclass(frozen=True)
class Whereabouts:
    """A pod's process as whoever runs it sees it, where to look further, and what helps when it hangs."""

    running: bool
    restarts: int
    see: str
    hangs: str
    pid: int | None = None
    http: str = ""
    rpc: str = ""


async def look_at_pod(
    session: aiohttp.ClientSession, layout: Layout, state: State, pod: PodAddresses
) -> tuple[PodReport, Look]:
    """One pod's report and what is wrong with it."""
    paths = ("livez", "readyz", "metrics")
    pages = await asyncio.gather(*(ask(session, f"http://{pod.http}/{path}", 1_000_000) for path in paths))
    process = state.processes.get(pod.name)
    pid = process.pid if process and process.identity().find() else None
    restarts, see = process.restarts if process else 0, f"see {layout.log(pod.name)}"
    hangs = f"kill -9 {pid}; it starts again"
    return judge(pod.name, Pages(*pages), Whereabouts(pid is not None, restarts, see, hangs, pid, pod.http, pod.rpc))


def judge(name: str, pages: Pages, where: Whereabouts) -> tuple[PodReport, Look]:
    """A pod's report and what is wrong with it, from what it answered."""
    values = _values(pages.metrics)
    report = PodReport(
        name=name,
        pid=where.pid,
        restarts=where.restarts,
        http=where.http,
        rpc=where.rpc,
        live=pages.live.good,
        ready=pages.ready.good,
        reason="" if pages.ready.good else pages.ready.words[:300] or f"status {pages.ready.status}",
        lag=values.get("machi_consumer_lag", 0.0),
        outbox_age=values.get("machi_outbox_age_seconds", 0.0),
        parked=values.get("machi_parked_total", 0.0),
    )
    look = _look(report, where, menus_behind=values.get(MENUS_BEHIND, 0.0) > 0)
    look.findings.extend(look_at_waiting(pages.metrics).findings)
    return report, look


def channels_off(metrics: Answer) -> float | None:
    """How many channels the pod left off when it started; None of a pod that does not tell."""
    return _values(metrics).get(CHANNELS_OFF)


def _values(metrics: Answer) -> dict[str, float]:
    """Each metric's samples added up; nothing from a pod that gives none or unreadable ones."""
    totals: dict[str, float] = {}
    with contextlib.suppress(ValueError):
        for family in text_string_to_metric_families(metrics.words) if metrics.good else ():
            for sample in family.samples:
                totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals


def _look(pod: PodReport, where: Whereabouts, *, menus_behind: bool) -> Look:
    name, see, restarts = pod["name"], where.see, pod["restarts"]
    look = Look()
    judged = [
        (not where.running, f"is not running (started again {restarts} times)", f"it starts again by itself; {see}"),
        (where.running and not pod["live"], f"hangs: {pod['reason']}", where.hangs),
        (pod["live"] and not pod["ready"], f"is not ready: {pod['reason']}", see),
        (pod["parked"] > 0, f"has {pod['parked']:.0f} parked records", "machi dlq list, show, replay, drop"),
        (
            pod["outbox_age"] > OLD_OUTBOX_SECONDS,
            f"has sent nothing for {pod['outbox_age']:.0f} s",
            "machi outbox says what waits; is Kafka healthy?",
        ),
        (menus_behind, "cannot bring LINE's rich menus to what the pods want", f"it tries again by itself; {see}"),
    ]
    for wrong, what, cure in judged:
        if wrong:
            look.wrong(f"{name} {what}", cure)
    return look
