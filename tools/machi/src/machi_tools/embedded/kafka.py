"""A real Apache Kafka, one KRaft node, for the stack and for tests."""

import asyncio
import base64
import shutil
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from machi_tools.embedded import kafka_jars, ports
from machi_tools.embedded.java import find_java
from machi_tools.embedded.process import Command, OwnProcess, last_line, run, wait_until
from machi_tools.errors import StackError

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "2",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After kill -9 the node waits for its former self to time out: keep that short.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.index.size.max.bytes": "1048576",
}
JVM = ["-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"]
QUIET = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
LOCALE = {"LC_ALL": "C.UTF-8"}  # in which Java opens a folder of any name


def _escaped(value: str) -> str:
    """A value as a file of properties has it: of letters beyond Latin-1's first half their UTF-16 units."""
    units = value.replace("\\", r"\\").encode("utf-16-be").hex()
    letters = [int(units[at : at + 4], 16) for at in range(0, len(units), 4)]
    return "".join(chr(unit) if unit < 0x7F else f"\\u{unit:04x}" for unit in letters)


async def cluster_id(options: Mapping[str, object]) -> str | None:
    """The id that the cluster behind such connections gives itself, or None when nothing answers."""
    client = AIOKafkaAdminClient(**options, request_timeout_ms=2000)
    try:
        await client.start()
        return str((await client.describe_cluster())["cluster_id"])
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        await client.close()


@dataclass
class KafkaServer:
    """One broker over one data folder; every method blocks until its effect is there."""

    folder: Path
    port: int = 0
    controller_port: int = 0
    log: Path | None = None
    listen: str = ports.LOOPBACK
    advertised: str = ""
    _process: OwnProcess = field(default_factory=OwnProcess, init=False, repr=False)

    def __post_init__(self) -> None:
        """Choose the log's place."""
        self._log = self.log or self.folder.with_name(f"{self.folder.name}.log")

    def start(self, *, timeout: float = 60.0) -> "KafkaServer":
        """Start, formatting the data folder the first time; raises StackError with the broker's last word."""
        self.port = self.port or ports.free_port()
        self.controller_port = self.controller_port or ports.free_port()
        process = self._process.start(Command(self.prepare(), self._log, LOCALE))
        if not wait_until(self.is_ours, process, timeout):
            self.kill()
            raise StackError(f"Kafka did not start: {last_line(self._log)}", "read its log, then try again", self._log)
        return self

    def prepare(self) -> list[str]:
        """The command that is the broker, its data folder formatted the first time."""
        java = self._java(kafka_jars.class_path())
        self._configure()
        self._format(java)
        return [*java, "kafka.Kafka", str(self._settings)]

    def stop(self) -> None:
        """Stop in order."""
        self._process.stop()

    def kill(self) -> None:
        """kill -9, as a crash would."""
        self._process.kill()

    def restart(self) -> None:
        """Stop and start on the same ports."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """Stop and delete the data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """The process id while it was started by us and has not ended."""
        return self._process.pid

    @property
    def bootstrap(self) -> str:
        """The address for KAFKA_BOOTSTRAP_SERVERS."""
        return f"{ports.LOOPBACK}:{self.port}"

    def is_ours(self) -> bool:
        """True when the cluster behind the port has this data folder's cluster id."""
        if not ports.answers(self.port):
            return False
        with ThreadPoolExecutor(1) as pool:  # a loop may already run in this thread
            found = pool.submit(asyncio.run, cluster_id({"bootstrap_servers": self.bootstrap})).result()
        return found == self.cluster_id()

    def cluster_id(self) -> str:
        """What tells this data folder from every other one; empty before the first start."""
        properties = self.folder / "meta.properties"
        lines = properties.read_text().splitlines() if properties.exists() else []
        return next((line.split("=", 1)[1] for line in lines if line.startswith("cluster.id=")), "")

    @property
    def _settings(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.properties")

    def _java(self, class_path: str) -> list[str]:
        java = find_java()
        archive = kafka_jars.cache() / f"kafka-java{java.major}.jsa"
        # From Java 19 on the machine keeps what it learned about the classes: each later start saves about a second.
        keeps = java.major >= 19 and archive.parent.is_dir()
        shared = ["-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}"] if keeps else []
        return [java.command, *JVM, *shared, *QUIET, "-cp", class_path]

    def _configure(self) -> None:
        controller = f"CONTROLLER://{ports.LOOPBACK}:{self.controller_port}"
        settings = {
            **SETTINGS,
            "listeners": f"PLAINTEXT://{self.listen}:{self.port},{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.advertised or self.bootstrap},{controller}",
            "controller.quorum.bootstrap.servers": f"{ports.LOOPBACK}:{self.controller_port}",
            "log.dirs": str(self.folder.resolve()),
        }
        self._settings.parent.mkdir(parents=True, exist_ok=True)
        self._settings.write_text("".join(f"{name}={_escaped(value)}\n" for name, value in settings.items()))

    def _format(self, java: list[str]) -> None:
        if self.cluster_id():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        new_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        cluster = f"--cluster-id={new_id}"  # one argument: the id may begin with a hyphen
        tool = ["kafka.tools.StorageTool", "format", "--standalone", cluster, "-c", str(self._settings)]
        command = Command([*java, *tool], self._log, LOCALE)
        run(command, "Kafka could not make its data folder", "read its log; is the disk full?")
