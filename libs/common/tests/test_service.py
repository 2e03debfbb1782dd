"""A pod's life: ready with reasons, serving, draining in order, saying nothing personal."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import Response

from machi.consent.v1 import consent_service_pb2 as wire
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceStub
from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk import operating
from machi_sdk.clock import SystemClock
from machi_sdk.errors import Conflict, Invalid, Missing, Unavailable
from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.rpc import for_tenant
from machi_sdk.service import Pod, run
from machi_sdk.settings import Settings
from machi_sdk.testing import (
    Event,
    KafkaAddress,
    LocalRelease,
    PodDatabase,
    announce_pods,
    create_topics,
    publish,
    running_pod,
    wait_until,
)
from machi_sdk.work import Work

pytestmark = pytest.mark.integration
MARKER = "福岡花子 090-1234-5678"
CONSENTS = {"machi.consent.v1": (6, "delete")}


async def nothing(_pod: Pod) -> None:
    """Serve nothing."""


async def fetch(port: int, path: str, body: bytes | None = None) -> tuple[int, dict[str, object]]:
    async with (
        aiohttp.ClientSession() as client,
        client.request("GET" if body is None else "POST", f"http://127.0.0.1:{port}{path}", data=body) as answer,
    ):
        return answer.status, json.loads(await answer.text() or "{}") if "json" in answer.content_type else {}


@pytest.fixture
def settings(release: LocalRelease, pod_database: PodDatabase, kafka_server: KafkaAddress) -> Settings:
    return release.settings("toy", pod_database.url, kafka_server.bootstrap)


def changed(manifest: Manifest) -> Manifest:
    """Another manifest of the same pod; a copy of the first would keep its hash."""
    return Manifest.model_validate({**manifest.model_dump(), "summary": "changed"})


async def test_a_pod_says_what_it_is_waiting_for(release: LocalRelease, toy: Manifest) -> None:
    pod = Pod(release.settings("toy", "postgresql://x:y@127.0.0.1:1/z"), toy, SystemClock())
    await pod.start()
    try:
        assert (await fetch(pod.http.port, "/livez"))[0] == 200
        status, answer = await fetch(pod.http.port, "/readyz")
        assert status == 503
        assert set(answer["troubles"]) == {"database", "broker", "manifest"}  # type: ignore[call-overload]
    finally:
        await asyncio.wait_for(pod.drain(), 15)


async def test_a_manifest_that_differs_from_the_installed_one_is_not_ready(
    settings: Settings, toy: Manifest, kafka_server: KafkaAddress
) -> None:
    await announce_pods(kafka_server.bootstrap, [toy])
    another = changed(toy)
    async with running_pod(nothing, settings, toy) as pod:
        await pod.installed.put(another)
        status, answer = await fetch(pod.http.port, "/readyz")
        assert (status, answer["ready"]) == (503, False)
        assert "differs from the installed one" in str(answer["troubles"])
        here = settings.model_copy(update={"machi_http_address": f"127.0.0.1:{pod.http.port}"})
        good, said = await asyncio.to_thread(operating.ready, here)
        assert not good
        assert "differs from the installed one" in said
        await pod.installed.put(toy)
        assert (await asyncio.to_thread(operating.ready, here))[0]
        assert (await fetch(pod.http.port, "/readyz"))[0] == 200


async def test_errors_of_a_route_are_problems_and_metrics_are_told(
    settings: Settings, toy: Manifest, kafka_server: KafkaAddress
) -> None:
    async def refuse(request: Request) -> Response:
        raise {"missing": Missing, "conflict": Conflict, "unavailable": Unavailable}[request.path_params["kind"]](
            "a-slug", "what to do"
        )

    async def assemble(pod: Pod) -> None:
        pod.route("/refuse/{kind}", refuse)

    await announce_pods(kafka_server.bootstrap, [toy])
    async with running_pod(assemble, settings, toy) as pod:
        for kind, status in (("missing", 404), ("conflict", 409), ("unavailable", 503)):
            answer = await fetch(pod.http.port, f"/refuse/{kind}", b"")
            assert answer == (
                status,
                {"type": "urn:machi:a-slug", "title": "a-slug", "status": status, "detail": "what to do"},
            )
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{pod.http.port}/metrics") as told:
            page = await told.text()
        assert "machi_outbox_age_seconds" in page
        assert 'machi_http_server_seconds_count{path="/refuse/{kind}",status="409"}' in page


async def test_metrics_say_what_keeps_a_pod_from_being_ready_and_what_is_installed(
    settings: Settings, toy: Manifest, kafka_server: KafkaAddress
) -> None:
    def told(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, labels)

    await announce_pods(kafka_server.bootstrap, [toy])
    async with running_pod(nothing, settings, toy) as pod:
        assert told("machi_trouble", check="manifest") == 0
        assert told("machi_installed", installed="toy") == 1
        await pod.installed.put(changed(toy))
        assert told("machi_trouble", check="manifest") == 1
        await pod.installed.drop("toy")
        assert told("machi_installed", installed="toy") == 0


async def test_work_begins_once_the_tables_are_as_new_as_the_code(
    settings: Settings, toy: Manifest, toy_folder: Path, pod_database: PodDatabase
) -> None:
    """Code that meets older tables would set records aside which it can handle a moment later."""
    begun = asyncio.Event()

    async def note() -> None:
        begun.set()

    owner = await asyncpg.connect(pod_database.owner_url)
    await owner.execute("UPDATE alembic_version SET version_num = '0000'")
    there = settings.model_copy(update={"machi_manifest": toy_folder / "service.yaml"})
    pod = Pod(there, toy, SystemClock())
    pod.background("note", note)
    await pod.start()
    try:
        await wait_until(lambda: "older than this code's 0001" in pod.health.troubles().get("database", ""))
        assert not begun.is_set()
        await owner.execute("UPDATE alembic_version SET version_num = '0001'")
        await asyncio.wait_for(begun.wait(), 10)
    finally:
        await pod.drain()
        await owner.close()


def test_a_pod_without_a_database_says_so_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_pod: Pod) -> None:
        raise AssertionError("it started")

    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="DATABASE_URL is not set: give this pod the address of its own database"):
        run(nothing)


async def test_a_topic_that_is_not_in_the_manifest_is_refused(settings: Settings, toy: Manifest) -> None:
    pod = Pod(settings, toy, SystemClock())

    async def ignore(records: object, work: Work) -> None:
        """Never called."""

    with pytest.raises(Invalid, match="consumes"):
        pod.consume("machi.reports.v1", pod.works(Work), ignore)
    await pod.database.close()


async def write_raw(bootstrap: str, topic: str, key: bytes, value: bytes | None) -> None:
    """What somebody wrote who is none of ours."""
    kafka = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await kafka.start()
    await kafka.send_and_wait(topic, value, key=key)
    await kafka.stop()


async def test_installed_pods_follow_the_registry(
    settings: Settings, toy: Manifest, kafka_server: KafkaAddress
) -> None:
    bootstrap = kafka_server.bootstrap
    other = toy.model_copy(update={"name": f"other-{os.getpid()}", "consumes": ()})
    await announce_pods(bootstrap, [toy])
    installed = InstalledPods()
    following = asyncio.create_task(installed.follow(settings))
    try:
        await wait_until(lambda: installed.read_whole and installed.get("toy"))
        await publish(bootstrap, "machi.pods.v1", [Event("garbage", ConsentDecided())])
        await write_raw(bootstrap, "machi.pods.v1", key=b"\xff\xfe", value=None)
        version = installed.version
        waiting = asyncio.create_task(installed.wait_change(version))
        await announce_pods(bootstrap, [toy, other])
        assert await asyncio.wait_for(waiting, 5) == version + 1
        assert [one.name for one in installed.all()] == [other.name, "toy"]
        assert installed.hash_of(other.name) == other.hash
        await announce_pods(bootstrap, [toy])
        await wait_until(lambda: installed.get(other.name) is None)
        assert [one.name for one in installed.all()] == ["toy"]
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@asynccontextmanager
async def process(program: Path, settings: Settings, manifest: Path) -> AsyncIterator["subprocess.Popen[str]"]:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MACHI_KEYS_DIR": str(settings.machi_keys_dir),
        "MACHI_MANIFEST": str(manifest),
        "MACHI_HTTP_ADDRESS": "127.0.0.1:0",
        "MACHI_RPC_ADDRESS": "127.0.0.1:0",
        "MARKER": MARKER,
    }
    started = subprocess.Popen(  # noqa: ASYNC220 (tests read its pipe without a loop)
        [sys.executable, str(program)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        if started.stdout is not None:
            started.stdout.close()


async def test_a_draining_pod_finishes_its_requests_and_its_log_says_nothing_personal(
    settings: Settings,
    release: LocalRelease,
    toy_folder: Path,
    kafka_server: KafkaAddress,
    program: Callable[[str], Path],
) -> None:
    await create_topics(kafka_server.bootstrap, CONSENTS)
    await announce_pods(kafka_server.bootstrap, [load_manifest(toy_folder / "service.yaml")])
    await publish(kafka_server.bootstrap, "machi.consent.v1", [Event("key", ConsentDecided(citizen_id=MARKER))])
    async with process(program("pod"), settings, toy_folder / "service.yaml") as pod:
        assert pod.stdout is not None
        lines: list[str] = []
        reading = asyncio.create_task(asyncio.to_thread(lambda: lines.extend(iter(pod.stdout.readline, ""))))  # type: ignore[union-attr]
        listens = await wait_until(lambda: [line for line in lines if "pod listens" in line])
        ports = json.loads(listens[0])
        await wait_until(lambda: _is_ready(ports["http"]))
        assert (await fetch(ports["http"], "/broken", b""))[0] == 500
        release.addresses["toy"] = f"127.0.0.1:{ports['rpc']}"
        stub = ConsentServiceStub(release.peers("toy").channel("toy"))
        with pytest.raises(Unavailable):
            await stub.Check(wire.CheckRequest(citizen_id=MARKER), timeout=30, metadata=for_tenant("fukuoka"))
        await wait_until(lambda: _parked(settings.database_url))
        answer = asyncio.create_task(fetch(ports["http"], "/slow", b"0.7"))
        await wait_until(lambda: any("slow request begun" in line for line in lines))
        pod.send_signal(signal.SIGTERM)
        assert await answer == (200, {"slept": 0.7})
        assert await asyncio.to_thread(pod.wait, 15) == 0
        await reading
    told = [json.loads(line) for line in lines]
    assert all(line["pod"] == "toy" for line in told)
    events = {line["event"] for line in told}
    assert {"record parked", "rpc failed", "background work failed"} <= events
    assert {"could not send %s", "Task exception was never retrieved", "Exception in ASGI application"} <= events
    assert any("ValueError at pod.py" in str(line.get("failure")) for line in told)
    for piece in (MARKER, *MARKER.split()):
        assert not [line for line in lines if piece in line]


async def _is_ready(port: int) -> bool:
    return (await fetch(port, "/readyz"))[0] == 200


async def _parked(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM parked")
        return count
    finally:
        await connection.close()
