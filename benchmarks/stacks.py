"""A stack of its own for a measurement: real servers, started here and stopped here."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from benchmarks.load import DESTINATION, SECRET
from machi_sdk.keys import Keys
from machi_sdk.rpc import Peers
from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import PostgresServer
from machi_tools.stack.state import State, read_state


class Stack:
    """`machi up` on a PostgreSQL and a Kafka of our own, with the settings given."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._state_dir = folder / "state"
        self._postgres = PostgresServer(folder / "postgres" / "data")
        self._kafka = KafkaServer(folder / "kafka" / "data")
        self._settings = settings

    def __enter__(self) -> "Stack":
        self._postgres.start()
        self._kafka.start()
        self._machi("up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._machi("down")
        self._kafka.destroy()
        self._postgres.destroy()

    @property
    def admin_url(self) -> str:
        """The PostgreSQL administrator's address."""
        return self._postgres.url()

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self._kafka.bootstrap

    @property
    def line_webhook(self) -> str:
        """Where LINE's webhooks go."""
        return self._state().webhooks["line"]

    def pods(self) -> dict[str, str]:
        """Where each pod answers over HTTP, by name."""
        return {pod.name: pod.http for pod in self._state().pods}

    def pid(self, name: str) -> int:
        """The process id of a pod."""
        return self._state().processes[name].pid

    def peers(self, caller: str) -> Peers:
        """Rpc channels to every pod, with the credential of `caller`; the caller closes them."""
        state = self._state()
        keys = Keys(self._state_dir / "keys" / caller, state.release)
        return Peers({pod.name: pod.rpc for pod in state.pods}, keys)

    def _state(self) -> State:
        state = read_state(self._state_dir / "state.json")
        assert state is not None
        return state

    def _machi(self, verb: str) -> None:
        environment = {
            **os.environ,
            "SIMULATOR_TRACES": "off",  # as in a city that names no collector
            **self._settings,
            "MACHI_STATE_DIR": str(self._state_dir),
            "DATABASE_URL": self.admin_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
        }
        subprocess.run([sys.executable, "-m", "machi_tools", verb], env=environment, check=True)


@contextmanager
def running_program(module: str, *words: str, **environment: str) -> Iterator[None]:
    """A Python module run beside us, with more in its environment, until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", module, *words], env={**os.environ, **environment})
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def ports_answer(port: int) -> None:
    """Wait until something listens."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise SystemExit("the baseline did not start")


def platform_settings(stub: str) -> dict[str, str]:
    """LINE and Slack are the stub at this address."""
    return {
        "LINE_API_URL": f"{stub}/line",
        "LINE_DATA_API_URL": f"{stub}/line-data",
        "LINE_CHANNEL_ID": "1",
        "LINE_CHANNEL_SECRET": SECRET,
        "LINE_CHANNEL_ACCESS_TOKEN": "bench",
        "LINE_BOT_USER_ID": DESTINATION,
        "SLACK_API_URL": f"{stub}/slack/api/",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_TEAM_ID": "TBENCH",
    }
