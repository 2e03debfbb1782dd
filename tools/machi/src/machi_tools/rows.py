"""The running stack as its operator asks it: pods by name, with the settings and rights of the pod asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from machi_sdk import operating
from machi_sdk.settings import Settings
from machi_tools.embedded.given import GivenPostgres
from machi_tools.errors import StackError, reason
from machi_tools.operator import Operator, operator_of, running
from machi_tools.stack.databases import Databases
from machi_tools.stack.layout import Layout
from machi_tools.stack.secrets import SecretStore
from machi_tools.topic_view import TopicView, look_at_topics

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True)
class Rows:
    """The stack on this machine; a pod's process is not needed, only what it stands on."""

    layout: Layout

    async def pods(self) -> list[str]:
        """Every running pod."""
        return [pod.name for pod in running(self.layout).pods]

    async def ask(self, pod: str, verb: str, *words: str) -> Sequence[object]:
        """The pod's answer to a verb of `machi_sdk.operating`; StackError when it has none."""
        try:
            return await operating.ask(self._settings(pod), verb, words)
        except operating.TROUBLES as error:
            raise StackError(f"the database of {pod} does not answer: {reason(error)}", "machi doctor") from error

    @asynccontextmanager
    async def operator(self, *_pods: str) -> AsyncIterator[Operator]:
        """Who may ask the pods by rpc."""
        yield operator_of(self.layout)

    async def topics(self) -> list[TopicView]:
        """The topics beside what is wanted."""
        return await look_at_topics(self.layout, running(self.layout))

    @asynccontextmanager
    async def connection(self, pod: str) -> AsyncIterator[Connection]:
        """A connection to one pod's database; StackError when no such pod runs."""
        try:
            connection = await asyncpg.connect(self._settings(pod).database_url, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise StackError(f"the database of {pod} does not answer: {reason(error)}", "machi doctor") from error
        try:
            yield connection
        finally:
            await connection.close()

    def _settings(self, pod: str) -> Settings:
        state = running(self.layout)
        if state.pod(pod) is None:
            raise StackError(f"no pod {pod} runs here", f"one of: {', '.join(each.name for each in state.pods)}")
        secrets = SecretStore(self.layout.state / "secrets.json")
        return Settings(database_url=Databases(GivenPostgres(state.servers.postgres), secrets).pod_url(pod))
