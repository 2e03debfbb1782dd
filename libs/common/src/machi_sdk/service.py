"""A pod's life: assemble, start in order, serve, drain in order."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import grpc
import uvloop

from machi_sdk.clock import Clock, SystemClock
from machi_sdk.consuming import Consumer
from machi_sdk.database import Database
from machi_sdk.errors import Invalid, MachiError, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.forgetting import forget_old
from machi_sdk.garbage import collect_seldom
from machi_sdk.handling import Handler, Prepare, Subscription
from machi_sdk.health import Check, Health
from machi_sdk.http import Endpoint, HttpServer
from machi_sdk.installed import InstalledPods
from machi_sdk.keys import Keys
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.producer import Producer
from machi_sdk.relay import Relay
from machi_sdk.rpc.client import Peers
from machi_sdk.rpc.server import Gate, RpcServer
from machi_sdk.schema import found_in, schema_of
from machi_sdk.settings import Channel, Channels, Settings, WrongSetting, read_settings
from machi_sdk.telemetry import declare, gauge, get_logger, start_logging, start_tracing
from machi_sdk.work import Origin, Work, Works

W = TypeVar("W", bound=Work)
S = TypeVar("S")
Running = Callable[[], Awaitable[None]]
Assemble = Callable[["Pod"], Awaitable[None]]

_DRAIN_SECONDS = 8.0
_CONSUMER = "consumer "
_PING_EVERY = 2.0
_FORGET_EVERY = 3600.0

declare("machi_channels_off", "gauge", (), "Channels of tenants that are off because their file of settings is refused")
log = get_logger()


class Pod:
    """What `assemble` wires: parts to take from, and doors to hang entrypoints on."""

    def __init__(self, settings: Settings, manifest: Manifest, clock: Clock) -> None:
        self.settings = settings
        self.manifest = manifest
        self.clock = clock
        self.health = Health()
        self.faultpoints = Faultpoints(settings.crash_at)
        self.keys = Keys(settings.machi_keys_dir, settings.machi_release, settings.machi_subject_prefix)
        self.database = Database(settings.database_url)
        self.producer = Producer(settings, manifest.name, clock)
        self.relay = Relay(self.database, self.producer, self.faultpoints)
        self.installed = InstalledPods()
        self.peers = Peers(settings.peers, self.keys)
        self.http = HttpServer(self.health)
        gate = Gate(manifest, self.installed, self.keys, settings.tenants, settings.machi_default_tenant)
        self.rpc = RpcServer(gate)
        self._stoppers: dict[str, Callable[[], None]] = {}  # by the name of the work that ends by itself then
        self._background: list[tuple[str, Running]] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._database_trouble: str | None = "not connected yet"
        self._usable = asyncio.Event()  # the tables are there, and as new as the code

    def works(self, kind: type[W], constraints: Mapping[str, MachiError] | None = None) -> Works[W]:
        """Works of the pod's own kind; violated constraints become the errors named."""
        return Works(self.database, kind, Origin(self.manifest.name, self.clock, self.relay.wake), constraints)

    def serve(self, register: Callable[[S, grpc.aio.Server], None], servicer: S) -> None:
        """Answer an rpc service."""
        register(servicer, self.rpc.server)

    def consume(
        self,
        topic: str,
        works: Works[W],
        handler: Handler[W] | None = None,
        prepare: Prepare[W] | None = None,
        batch: int = 1,
    ) -> Consumer[W]:
        """Read a topic with the group that the manifest's `consumes` names for it."""
        group = next((entry.group for entry in self.manifest.consumes if entry.topic == topic), None)
        if group is None:
            raise Invalid("topic-not-in-manifest", f"name {topic} in `consumes` of service.yaml")
        subscription = Subscription(topic, group, works, handler, prepare, batch)
        consumer = Consumer(subscription, self.settings, self.faultpoints)
        self.background(f"{_CONSUMER}{group}", consumer.run, consumer.stop)
        self.background(f"{group} upkeep", consumer.upkeep)
        self.health.add(group, consumer.trouble)
        return consumer

    def route(self, path: str, endpoint: Endpoint, methods: Sequence[str] = ("POST",)) -> None:
        """Answer an HTTP path."""
        self.http.add(path, endpoint, methods)

    def channels(self, found: Channels[Channel]) -> dict[str, Channel]:
        """The channels to serve; one whose file is refused is off and said aloud, and the others go on."""
        gauge("machi_channels_off").set(len(found.refused))
        for file, wrong in found.refused.items():
            log.error("channel is off, its file is refused", file=file, wrong=wrong)
        return found.by_tenant

    def background(self, name: str, run: Running, stop: Callable[[], None] | None = None) -> None:
        """Run from when the tables are as new as the code until the pod drains; when it fails it is started again.

        What has a `stop` begins nothing new from then on, and has some seconds for what it began.
        """
        self._background.append((name, run))
        if stop is not None:
            self._stoppers[name] = stop

    def ready_check(self, name: str, check: Check) -> None:
        """Add a readiness check."""
        self.health.add(name, check)

    async def start(self) -> None:
        """Open the doors first, so that a missing database or broker is said and not a crash."""
        self.health.add("database", lambda: self._database_trouble)
        self.health.add("broker", lambda: None if self.producer.connected else "not connected yet")
        self.health.add("manifest", self._manifest_trouble)
        await self.http.start(self.settings.machi_http_address)
        await self.rpc.start(self.settings.machi_rpc_address)
        self._spawn("installed pods", lambda: self.installed.follow(self.settings))
        self._spawn("database", self._watch_database)
        self._spawn("broker", self._connect_broker)
        self._spawn("relay", self.relay.run)
        for name, running in self._background:
            self._spawn(name, partial(self._once_usable, running))
        self._spawn("rpc health", self._report_health)
        self._spawn("old rows", self._forget_old)
        log.info("pod listens", http=self.http.port, rpc=self.rpc.port)

    async def drain(self) -> None:
        """Stop taking work, finish what was begun, then close what others stand on."""
        self.health.draining = True
        await self.rpc.set_serving(ready=False)
        await self.http.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                # What consumers hand over is begun before nothing new is.
                begun = self._stoppers if self._usable.is_set() else ()
                await self._stop([name for name in begun if name.startswith(_CONSUMER)])
                await self._stop([name for name in begun if not name.startswith(_CONSUMER)])
        await self.rpc.drain(_DRAIN_SECONDS)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.wait(self._tasks.values(), timeout=_DRAIN_SECONDS)
        await self.peers.close()
        await self.producer.close()
        await self.database.close()

    async def _stop(self, names: Sequence[str]) -> None:
        for name in names:
            self._stoppers[name]()
        ending = [self._tasks[name] for name in names if name in self._tasks]
        if ending:
            await asyncio.wait(ending)

    def _spawn(self, name: str, run: Running) -> None:
        if name in self._tasks:
            raise ValueError(f"two pieces of background work are called {name!r}")
        self._tasks[name] = asyncio.create_task(_kept_running(name, run), name=name)

    async def _watch_database(self) -> None:
        schema, checked = schema_of(self.settings.machi_manifest.parent), False
        while True:
            try:
                async with asyncio.timeout(_PING_EVERY), self.database.acquire() as connection:
                    found = schema.known if checked else await found_in(connection)
                    await connection.execute("SELECT 1")
                self._database_trouble = schema.trouble(found)
                if schema.newer(found):
                    log.warning("tables are newer than this code", tables=found, code=schema.known)
                checked = self._database_trouble is None
                if checked:
                    self._usable.set()
            except Exception as error:  # noqa: BLE001 (whatever keeps it from answering, it is said and tried again)
                self._database_trouble = f"does not answer ({type(error).__name__})"
            await asyncio.sleep(_PING_EVERY)

    async def _once_usable(self, run: Running) -> None:
        await self._usable.wait()
        await run()

    async def _connect_broker(self) -> None:
        while not self.producer.connected:
            try:
                await self.producer.connect()
            except Unavailable:
                await asyncio.sleep(0.5)
        await asyncio.Event().wait()

    async def _forget_old(self) -> None:
        """Keep to what is promised of hops, answers, and conversations, whether anybody talks or not."""
        while True:
            try:
                await forget_old(self.works(Work), self.settings.tenants)
            except Unavailable as error:
                log.warning("old rows kept", reason=error.slug)
            await asyncio.sleep(_FORGET_EVERY)

    def _manifest_trouble(self) -> str | None:
        installed = self.installed.hash_of(self.manifest.name)
        if not installed:
            return "not installed: run `machi pods install`"
        return None if installed == self.manifest.hash else "differs from the installed one: run `machi pods install`"

    async def _report_health(self) -> None:
        while True:
            await self.rpc.set_serving(ready=not self.health.troubles())
            await asyncio.sleep(0.5)


async def _kept_running(name: str, run: Running) -> None:
    pause = 0.2
    while True:
        try:
            await run()
        except Exception as error:
            log.exception("background work failed", work=name, error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            return


async def live(pod: Pod, assemble: Assemble) -> None:
    """Assemble, start, wait for SIGTERM or SIGINT, drain."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await assemble(pod)
    await pod.start()
    collect_seldom()
    await stopping.wait()
    await pod.drain()


def run(assemble: Assemble) -> None:
    """A pod's whole life, settings from the environment; for `__main__`."""
    try:
        _run(read_settings(), assemble)
    except WrongSetting as error:
        sys.exit(error.message)


def _run(settings: Settings, assemble: Assemble) -> None:
    if not settings.database_url:
        sys.exit(
            "DATABASE_URL is not set: give this pod the address of its own database, as a variable or a secret file"
        )
    manifest = load_manifest(settings.machi_manifest)
    start_logging(manifest.name)
    start_tracing(manifest.name, settings.otel_exporter_otlp_endpoint)

    async def main() -> None:
        await live(Pod(settings, manifest, SystemClock()), assemble)

    uvloop.run(main())
