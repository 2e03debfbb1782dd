"""`machi doctor`: looks at everything that runs and says what is wrong and the cure."""

import asyncio
from typing import TypedDict

import aiohttp

from machi_sdk.clock import Clock, SystemClock
from machi_tools.diagnosis.channels import ChannelsSeen, look_at_channels
from machi_tools.diagnosis.findings import Finding, Look
from machi_tools.diagnosis.machine import disk_look, tokens_look
from machi_tools.diagnosis.merges import look_at_merges
from machi_tools.diagnosis.pods import PodReport, look_at_pod
from machi_tools.diagnosis.servers import look_at_kafka, look_at_postgres, look_at_readers
from machi_tools.diagnosis.settings import settings_look
from machi_tools.rows import Rows
from machi_tools.stack.layout import Layout
from machi_tools.stack.readiness import ask
from machi_tools.stack.state import State, read_state

__all__ = ["Finding", "PodReport", "Report", "diagnose"]


class Report(TypedDict):
    """What `machi doctor --json` prints."""

    ok: bool
    pods: list[PodReport]
    servers: dict[str, object]
    topics: dict[str, object]
    webhooks: dict[str, str]
    views: dict[str, str]
    settings: dict[str, str]
    clocks: dict[str, float]
    disk: dict[str, int]
    notes: list[str]
    findings: list[Finding]


async def diagnose(layout: Layout, *, clock: Clock | None = None, ask_platforms: bool = True) -> Report:
    """Look at everything at once; `clock` stands for this machine's."""
    state = read_state(layout.state_file)
    if state is None or not state.is_running():
        return _nothing_runs(state)
    present = clock or SystemClock()
    async with aiohttp.ClientSession() as session:
        pods = await asyncio.gather(*(look_at_pod(session, layout, state, pod) for pod in state.pods))
        simulator = await _look_at_simulator(session, layout, state)
        channels = ChannelsSeen()
        if ask_platforms:
            channels = await look_at_channels(session, state, Rows(layout), present)
    (postgres, skew, of_postgres), (kafka, of_kafka), (topics, of_topics), of_merges = await asyncio.gather(
        look_at_postgres(layout, state, present),
        look_at_kafka(layout, state),
        look_at_readers(layout, state),
        look_at_merges(layout, state),
    )
    free, of_disk = disk_look(layout)
    looks = [of_kafka, of_topics, *(look for _, look in pods), of_postgres, simulator, settings_look(state)]
    looks += [of_merges, of_disk, tokens_look(layout, state, present.now()), *channels.looks]
    findings = [finding for look in looks for finding in look.findings]
    return Report(
        ok=not findings,
        pods=[report for report, _ in pods],
        servers={"postgres": postgres, "kafka": kafka},
        topics=topics,
        webhooks=state.webhooks,
        views=_views(state),
        settings={"line_redelivery": channels.redelivery},
        clocks={"database": round(skew, 1), **channels.clocks} if skew is not None else channels.clocks,
        disk={"free_megabytes": free},
        notes=[*state.notes, *(note for look in looks for note in look.notes)],
        findings=findings,
    )


def _views(state: State) -> dict[str, str]:
    return {name: f"http://{state.simulator}/{name}" for name in ("phone", "workspace") if state.simulator}


async def _look_at_simulator(session: aiohttp.ClientSession, layout: Layout, state: State) -> Look:
    look = Look()
    if state.simulator:
        answer = await ask(session, f"http://{state.simulator}/livez")
        if not answer.good:
            look.wrong(f"the simulator does not answer: {answer.words}", f"see {layout.log('simulator')}")
    return look


def _nothing_runs(state: State | None) -> Report:
    failure = state.failure if state else None
    what, cure = (failure.what, failure.cure) if failure else ("nothing runs here", "make up")
    return Report(
        ok=False,
        pods=[],
        servers={},
        topics={},
        webhooks={},
        views={},
        settings={},
        clocks={},
        disk={},
        notes=[],
        findings=[Finding(what=what, cure=cure)],
    )
