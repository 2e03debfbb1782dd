"""`machi doctor`: looks at everything that runs and says what is wrong and the cure."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TypedDict

import aiohttp
import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from machi_tools.embedded.kafka import KafkaServer, cluster_id
from machi_tools.errors import StackError
from machi_tools.rows import Connection, Rows
from machi_tools.stack.layout import Layout
from machi_tools.stack.readiness import Answer, ask
from machi_tools.stack.state import PodAddresses, State, read_state
from machi_tools.stack.topics import read_topics

OLD_OUTBOX_SECONDS, LARGE_LAG = 60.0, 1000.0


class Finding(TypedDict):
    """One thing that is wrong."""

    what: str
    cure: str


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


class Report(TypedDict):
    """What `machi doctor --json` prints."""

    ok: bool
    pods: list[PodReport]
    servers: dict[str, object]
    topics: dict[str, object]
    webhooks: dict[str, str]
    views: dict[str, str]
    settings: dict[str, str]
    notes: list[str]
    findings: list[Finding]


async def diagnose(layout: Layout, environ: Mapping[str, str]) -> Report:
    """Look at everything at once."""
    state = read_state(layout.state_file)
    if state is None or not state.is_running():
        return _nothing_runs(state)
    findings: list[Finding] = []
    async with aiohttp.ClientSession() as session:
        pods = list(await asyncio.gather(*(_pod(session, state, pod) for pod in state.pods)))
        views = {name: f"http://{state.simulator}/{name}" for name in ("phone", "workspace") if state.simulator}
        simulator = await ask(session, f"http://{state.simulator}/livez") if views else None
    postgres, kafka, topics = await asyncio.gather(
        _postgres(layout, state), _kafka(layout, state, findings), _topics(layout, state, findings)
    )
    findings += [finding for pod in pods for finding in _about(pod, layout)]
    findings += _about_postgres(postgres) + _about_simulator(simulator, layout) + settings_problems(environ)
    return Report(
        ok=not findings,
        pods=pods,
        servers={"postgres": postgres, "kafka": kafka},
        topics=topics,
        webhooks=state.webhooks,
        views=views,
        settings={"line_redelivery": _redelivery(state)},
        notes=state.notes,
        findings=findings,
    )


def settings_problems(environ: Mapping[str, str]) -> list[Finding]:
    """Channel settings that were given only in part."""
    needs = {
        "LINE_API_URL": ["LINE_DATA_API_URL", "LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "LINE_BOT_USER_ID"],
        "SLACK_API_URL": ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "SLACK_TEAM_ID"],
    }
    found = [
        Finding(what=f"{address} is set but {name} is not", cure=f"set {name}, then `make down`, `make up`")
        for address, names in needs.items()
        if environ.get(address)
        for name in names
        if not environ.get(name)
    ]
    if environ.get("SLACK_API_URL") and not environ["SLACK_API_URL"].endswith("/api/"):
        found.append(Finding(what="SLACK_API_URL does not end in /api/", cure="give the SDK's base address"))
    return found


async def _pod(session: aiohttp.ClientSession, state: State, pod: PodAddresses) -> PodReport:
    paths = ("livez", "readyz", "metrics")
    live, ready, metrics = await asyncio.gather(
        *(ask(session, f"http://{pod.http}/{path}", 1_000_000) for path in paths)
    )
    process = state.processes.get(pod.name)
    values = _values(metrics)
    return PodReport(
        name=pod.name,
        pid=process.pid if process and process.identity().find() else None,
        restarts=process.restarts if process else 0,
        http=pod.http,
        rpc=pod.rpc,
        live=live.good,
        ready=ready.good,
        reason="" if ready.good else ready.words[:300] or f"status {ready.status}",
        lag=values.get("machi_consumer_lag", 0.0),
        outbox_age=values.get("machi_outbox_age_seconds", 0.0),
        parked=values.get("machi_parked_total", 0.0),
    )


def _values(metrics: Answer) -> dict[str, float]:
    """Each metric's samples added up; nothing from a pod that gives none or unreadable ones."""
    totals: dict[str, float] = {}
    with contextlib.suppress(ValueError):
        for family in text_string_to_metric_families(metrics.words) if metrics.good else ():
            for sample in family.samples:
                totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals


def _about(pod: PodReport, layout: Layout) -> list[Finding]:
    name, see = pod["name"], f"see {layout.log(pod['name'])}"
    judged = [
        (
            pod["pid"] is None,
            f"is not running (started again {pod['restarts']} times)",
            f"it starts again by itself; {see}",
        ),
        (
            pod["pid"] is not None and not pod["live"],
            f"hangs: {pod['reason']}",
            f"kill -9 {pod['pid']}; it starts again",
        ),
        (pod["live"] and not pod["ready"], f"is not ready: {pod['reason']}", see),
        (pod["parked"] > 0, f"has {pod['parked']:.0f} parked records", "machi dlq list, show, replay, drop"),
        (
            pod["outbox_age"] > OLD_OUTBOX_SECONDS,
            f"has sent nothing for {pod['outbox_age']:.0f} s",
            "is Kafka healthy?",
        ),
        (pod["lag"] > LARGE_LAG, f"is {pod['lag']:.0f} records behind", "see whether the pods it calls are ready"),
    ]
    return [Finding(what=f"{name} {what}", cure=cure) for wrong, what, cure in judged if wrong]


async def _postgres(layout: Layout, state: State) -> dict[str, object]:
    shown: dict[str, object] = {"address": state.servers.postgres, "own": state.servers.postgres_own, "ready": True}

    async def read(connection: Connection) -> int:
        return int(await connection.fetchval("SELECT 1"))

    try:
        await asyncio.wait_for(Rows(layout).each(read), 5)
    except (StackError, TimeoutError, asyncpg.PostgresError) as error:
        shown |= {"ready": False, "reason": str(error) or "no answer within 5 s"}
    return shown


def _about_postgres(shown: dict[str, object]) -> list[Finding]:
    cure = "it is started again by itself; see its log" if shown["own"] else "check DATABASE_URL"
    return [] if shown["ready"] else [Finding(what=f"PostgreSQL: {shown['reason']}", cure=cure)]


async def _kafka(layout: Layout, state: State, findings: list[Finding]) -> dict[str, object]:
    found = await cluster_id(state.servers.kafka)
    shown: dict[str, object] = {"address": state.servers.kafka, "own": state.servers.kafka_own, "cluster_id": found}
    cure = "it is started again by itself; see its log" if state.servers.kafka_own else "check KAFKA_BOOTSTRAP_SERVERS"
    if found is None:
        findings.append(Finding(what=f"Kafka at {state.servers.kafka} does not answer", cure=cure))
    elif state.servers.kafka_own and found != KafkaServer(layout.data("kafka")).cluster_id():
        what = f"another Kafka answers at {state.servers.kafka}"
        findings.append(Finding(what=what, cure="make down, end the other one, make up"))
    return {**shown, "ready": found is not None}


async def _topics(layout: Layout, state: State, findings: list[Finding]) -> dict[str, object]:
    wanted = {topic.name for topic in read_topics(layout.root / "protos" / "topics")}
    client = AIOKafkaAdminClient(bootstrap_servers=state.servers.kafka, request_timeout_ms=3000)
    try:
        await client.start()
        missing = sorted(wanted - set(await client.list_topics()))
    except (KafkaError, OSError, TimeoutError):
        return {"wanted": len(wanted), "missing": []}
    finally:
        await client.close()
    findings += [Finding(what=f"topic {name} is missing", cure="make down, make up") for name in missing]
    return {"wanted": len(wanted), "missing": missing}


def _about_simulator(answer: Answer | None, layout: Layout) -> list[Finding]:
    if answer is None or answer.good:
        return []
    return [Finding(what=f"the simulator does not answer: {answer.words}", cure=f"see {layout.log('simulator')}")]


def _redelivery(state: State) -> str:
    """LINE's interface does not tell whether redelivery is switched on; only the stand-in is known."""
    return "on" if state.simulator else "unknown: see 'Webhook redelivery' in the LINE Developers Console"


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
        notes=[],
        findings=[Finding(what=what, cure=cure)],
    )
