"""What is promised to be forgotten is forgotten, whether anybody talks or not."""

from datetime import UTC, datetime, timedelta

import pytest

from machi_sdk.manifest import Manifest
from machi_sdk.service import Pod
from machi_sdk.testing import KafkaAddress, LocalRelease, PodDatabase, announce_pods, running_pod, wait_until
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
TENANTS = ("fukuoka", "sapporo")
ANSWERED = "INSERT INTO turns (tenant, event_id, response, answered_at) VALUES ($1, $2, '', $3)"
TALKED = (
    "INSERT INTO dialogue_sessions (tenant, session_id, citizen_id, command, answers, version, touched_at)"
    " VALUES ($1, $2, 'c-1', 'tell', '{}', 1, $3)"
)
KEPT = "SELECT event_id AS name FROM turns UNION SELECT session_id FROM dialogue_sessions"


async def nothing(_pod: Pod) -> None:
    """Serve nothing: nobody can talk to it."""


async def kept(works: Works[Work], tenant: str) -> set[str]:
    async with works.begin(tenant) as work:
        return {row["name"] for row in await work.db.fetch(KEPT)}


async def test_answers_and_conversations_go_in_time_though_nobody_talks(
    works: Works[Work], release: LocalRelease, pod_database: PodDatabase, toy: Manifest, kafka_server: KafkaAddress
) -> None:
    now = datetime.now(UTC)
    for tenant in TENANTS:
        async with works.begin(tenant) as work:
            await work.db.execute(ANSWERED, tenant, "an old answer", now - timedelta(hours=73))
            await work.db.execute(ANSWERED, tenant, "an answer", now - timedelta(hours=71))
            await work.db.execute(TALKED, tenant, "an old talk", now - timedelta(days=31))
            await work.db.execute(TALKED, tenant, "a talk", now - timedelta(days=29))

    async def only_the_new() -> bool:
        return all([await kept(works, tenant) == {"an answer", "a talk"} for tenant in TENANTS])

    await announce_pods(kafka_server.bootstrap, [toy])
    async with running_pod(nothing, release.settings("toy", pod_database.url, kafka_server.bootstrap), toy):
        await wait_until(only_the_new)
