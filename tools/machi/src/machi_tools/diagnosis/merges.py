"""Whether every pod knows the citizens who turned out to be one: its aliases beside identity's."""

import asyncio

import asyncpg

from machi_tools.diagnosis.findings import Look
from machi_tools.diagnosis.settings import settings_of
from machi_tools.errors import StackError
from machi_tools.rows import Rows
from machi_tools.stack.layout import Layout
from machi_tools.stack.pods import discover
from machi_tools.stack.state import State

IDENTITY = "identity"
TOPIC = "machi.citizens.v1"
_ALIASES = "SELECT former_id, citizen_id FROM aliases WHERE known_at <= now() - make_interval(secs => $1)"
_IN_TIME = 60.0


async def look_at_merges(layout: Layout, state: State) -> Look:
    """Name the pods that a minute after a merge have not moved what they keep."""
    look, rows = Look(), Rows(layout)
    pods = [pod for pod in discover(layout.root) if any(entry.topic == TOPIC for entry in pod.manifest.consumes)]
    settings = settings_of(state, IDENTITY)
    try:
        for tenant in sorted(settings.tenants) if settings else ():
            merged = await _aliases(rows, IDENTITY, tenant, _IN_TIME)
            known = await asyncio.gather(*(_aliases(rows, pod.name, tenant, 0.0) for pod in pods)) if merged else []
            for pod, aliases in zip(pods, known, strict=False):
                _compare(pod.name, tenant, len(merged - aliases), look)
    except (StackError, asyncpg.PostgresError):
        return look  # said elsewhere
    return look


def _compare(pod: str, tenant: str, missing: int, look: Look) -> None:
    if missing:
        cure = f"see the lag of {pod}.merges; `machi dlq list` shows what was set aside"
        look.wrong(f"{pod} has not moved what belongs to {missing} merged citizens of {tenant}", cure)


async def _aliases(rows: Rows, pod: str, tenant: str, older_than: float) -> set[tuple[str, str]]:
    async with rows.connection(pod) as connection:
        await connection.execute("SELECT set_config('machi.tenant', $1, false)", tenant)
        return {(row["former_id"], row["citizen_id"]) for row in await connection.fetch(_ALIASES, older_than)}
