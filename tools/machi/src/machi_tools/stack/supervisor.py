"""The one process behind `machi up`: brings everything up in order, keeps it alive, takes it down in order."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from machi_sdk.manifest import OPERATOR
from machi_sdk.settings import Settings
from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import PostgresServer
from machi_tools.embedded.process import Command, Identity, last_line, start
from machi_tools.errors import StackError
from machi_tools.operator import Operator
from machi_tools.stack import city, databases, emptying, logs, migrating, readiness, seeding
from machi_tools.stack.journal import Journal
from machi_tools.stack.keeping import Child, CommandChild, Keeper
from machi_tools.stack.keys import REFRESH_SECONDS, Issuer
from machi_tools.stack.layout import Layout
from machi_tools.stack.plan import Plan, make_plan
from machi_tools.stack.pods import passports
from machi_tools.stack.settings import SETTINGS_KEY, digests
from machi_tools.stack.state import Process, Servers, State
from machi_tools.stack.topics import ensure_topics, read_topics

TITLES = {
    "postgres": "PostgreSQL",
    "databases": "databases and migrations",
    "kafka": "Apache Kafka",
    "topics": "topics",
    "simulator": "simulator",
    "pods": "pods",
    "install": "manifests",
    "seed": "demo city",
    "ready": "all ready",
}
HOPELESS_AFTER = 4
log = structlog.get_logger()


class Supervisor:
    """One running stack."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        layout.data("").mkdir(parents=True, exist_ok=True)
        self.plan: Plan = make_plan(layout)
        emptying.remember(layout, self.plan.environ)
        self.issuer = Issuer(layout.keys, self.plan.release)
        self.journal = Journal(layout.state_file, self._first_state(), TITLES)
        self._keepers: list[Keeper] = []
        self._postgres = self._kafka = None
        if self.plan.database_url is None:
            self._postgres = PostgresServer(
                layout.data("postgres"), self.plan.ports["postgres"], log=layout.log("postgres")
            )
        if self.plan.kafka_given is None:
            kafka_ports = (self.plan.ports["kafka"], self.plan.ports["kafka controller"])
            self._kafka = KafkaServer(layout.data("kafka"), *kafka_ports, log=layout.log("kafka"))
        given = databases.given_server(self.plan.database_url) if self.plan.database_url else None
        self._databases = databases.Databases(given or self._must_have_postgres(), self.plan.secrets)

    async def run(self) -> int:
        """Come up, stay, and go when told; the exit code."""
        told = asyncio.Event()
        for wanted in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(wanted, told.set)
        housekeeping = asyncio.create_task(self._housekeeping())
        ending = asyncio.create_task(told.wait())
        rising = asyncio.create_task(self._rise())
        await asyncio.wait({rising, ending}, return_when=asyncio.FIRST_COMPLETED)
        failure = self._failure(rising) if rising.done() else None
        if failure is None:
            await ending
            self.journal.phase("stopping")
        rising.cancel()
        housekeeping.cancel()
        with contextlib.suppress(asyncio.CancelledError, StackError, ExceptionGroup):
            await rising
        await self._sink()
        if failure is not None:
            self.journal.failed(failure)
        return 1 if failure else 0

    def _failure(self, rising: asyncio.Task[None]) -> StackError | None:
        error = rising.exception()
        if error is None:
            return None
        told = readiness.first_told(error)
        if told is None:
            log.error("supervisor-broke", exc_info=error)
            told = StackError(f"the stack broke: {error!r}", "see the log", self.layout.log("supervisor"))
        return told

    async def _rise(self) -> None:
        self.issuer.equip(self.plan.pods, self.plan.secrets)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._databases_up())
            group.create_task(self._kafka_up())
            group.create_task(self._simulator_up())
        with self.journal.step("pods"):
            await asyncio.gather(*(self._start_pod(pod.name) for pod in self.plan.pods))
        with self.journal.step("install"):
            await seeding.install_all(self._operator(), self._manifests(), self._check_alive)
        with self.journal.step("seed"):
            if city.seed_folder(self.plan.tenant).is_dir():
                found = city.read_city(self.layout, self.plan.tenant)
                put = partial(city.seed_once, self._operator(), found, self.plan.slack_team)
                await seeding.patiently(put, self._check_alive)
        with self.journal.step("ready") as step:
            await readiness.wait_ready(self.plan, step, self.journal.save, self._check_alive)
        self.journal.phase("ready")

    async def _databases_up(self) -> None:
        with self.journal.step("postgres"):
            if self._postgres is not None:
                await self._keep("postgres", self._postgres)
        with self.journal.step("databases"):
            await self._databases.ensure([pod.name for pod in self.plan.pods])
            await asyncio.to_thread(self._migrate)

    def _migrate(self) -> None:
        folders = {
            str(pod.folder): self._databases.owner_url(pod.name)
            for pod in self.plan.pods
            if (pod.folder / "migrations").is_dir()
        }
        words = self.layout.log("migrations")
        command = [sys.executable, "-m", migrating.__name__]
        if folders and start(Command(command, words, {migrating.VARIABLE: json.dumps(folders)})).wait() != 0:
            raise StackError(f"a migration failed: {last_line(words)}", "mend the migration, then try again", words)

    async def _kafka_up(self) -> None:
        with self.journal.step("kafka"):
            if self._kafka is not None:
                await self._keep("kafka", self._kafka)
        with self.journal.step("topics"):
            topics = await asyncio.to_thread(read_topics, self.layout.root / "protos" / "topics")
            await ensure_topics(Settings(kafka_bootstrap_servers=self._bootstrap), topics)

    async def _simulator_up(self) -> None:
        with self.journal.step("simulator"):
            if self.plan.has_simulator:
                await self._keep("simulator", CommandChild(self.plan.simulator_command(), self._extra("simulator")))

    async def _start_pod(self, name: str) -> None:
        pod = next(pod for pod in self.plan.pods if pod.name == name)
        command = self.plan.pod_command(pod, self._databases.pod_url(name), self._bootstrap)
        await self._keep(name, CommandChild(command, self._extra(name)))

    async def _keep(self, name: str, child: Child) -> None:
        keeper = Keeper(name, child, self.journal.child)
        self._keepers.append(keeper)
        await keeper.start()

    def _extra(self, name: str) -> Callable[[], dict[str, str]]:
        """Reads one process's extra environment at each start."""
        return partial(self.layout.extra_environment, name)

    def _check_alive(self) -> None:
        """Give up early on a child that cannot live."""
        for keeper in self._keepers:
            if keeper.restarts >= HOPELESS_AFTER:
                raise readiness.keeps_dying(keeper.name, self.layout.log(keeper.name))

    async def _housekeeping(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS / 8)
            await kept_up("logs", partial(logs.bound, self.layout.state / "log"))
            await kept_up("tokens", partial(self.issuer.refresh_old, self.plan.pods))

    async def _sink(self) -> None:
        servers = [keeper for keeper in self._keepers if keeper.name in ("postgres", "kafka")]
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers if keeper not in servers))
        await asyncio.gather(*(keeper.stop() for keeper in servers))
        self.journal.state.processes.clear()
        self.journal.save()

    def _manifests(self) -> dict[str, str]:
        return {pod.name: pod.manifest_text for pod in self.plan.pods}

    def _operator(self) -> Operator:
        addresses = {pod.name: pod.rpc for pod in self.plan.addresses()}
        return Operator(partial(self.issuer.keys_of, OPERATOR), addresses, self.plan.tenant)

    @property
    def _bootstrap(self) -> str:
        return self.plan.kafka_given or (self._kafka.bootstrap if self._kafka else "")

    def _must_have_postgres(self) -> PostgresServer:
        assert self._postgres is not None
        return self._postgres

    def _first_state(self) -> State:
        me = Identity.of(os.getpid())
        shown = databases.without_password(self.plan.database_url) if self.plan.database_url else ""
        servers = Servers(
            postgres=shown or f"postgresql://postgres@127.0.0.1:{self.plan.ports.get('postgres')}?sslmode=disable",
            postgres_own=self.plan.database_url is None,
            kafka=self.plan.kafka_given or f"127.0.0.1:{self.plan.ports.get('kafka')}",
            kafka_own=self.plan.kafka_given is None,
        )
        return State(
            supervisor=Process(pid=me.pid, started=me.started),
            release=self.plan.release,
            tenant=self.plan.tenant,
            webhooks=self.plan.webhooks(),
            slack_team=self.plan.slack_team,
            servers=servers,
            pods=self.plan.addresses(),
            simulator=self.plan.simulator if self.plan.has_simulator else "",
            notes=self.plan.notes,
            settings=digests(self.plan.environ, self.plan.secrets.word(SETTINGS_KEY)),
            manifests=passports(self.plan.pods),
        )


async def kept_up(what: str, step: Callable[[], None]) -> None:
    """One step of housekeeping; what the disk refuses now is done the next time."""
    try:
        await asyncio.to_thread(step)
    except OSError as error:
        log.error("housekeeping-failed", what=what, reason=str(error))


def supervise(layout: Layout) -> int:
    """Run the supervisor in this process."""
    processors = structlog.processors
    written = (processors.TimeStamper(fmt="iso"), processors.format_exc_info, processors.JSONRenderer())
    structlog.configure(processors=written)
    os.chdir(Path("/"))
    return asyncio.run(Supervisor(layout).run())
