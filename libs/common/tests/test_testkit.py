"""The test kit itself: what service authors stand on."""

import asyncpg
import pytest

from machi.consent.v1 import consent_service_pb2 as wire
from machi.consent.v1.consent_service_pb2_grpc import (
    ConsentServiceServicer,
    ConsentServiceStub,
    add_ConsentServiceServicer_to_server,
)
from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.manifest import Manifest
from machi_sdk.rpc import current_call, for_tenant
from machi_sdk.service import Pod
from machi_sdk.testing import (
    Event,
    KafkaAddress,
    LocalRelease,
    PodDatabase,
    announce_pods,
    create_topics,
    empty_topics,
    publish,
    read_all,
    running_pod,
    wait_until,
)


@pytest.mark.integration
async def test_database_is_used_by_a_role_that_cannot_pass_row_level_security(pod_database: PodDatabase) -> None:
    connection = await asyncpg.connect(pod_database.url)
    try:
        await connection.execute("SELECT set_config('machi.tenant', 'fukuoka', false)")
        await connection.execute("INSERT INTO notes (tenant, note) VALUES ('fukuoka', 'mine')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("INSERT INTO notes (tenant, note) VALUES ('sapporo', 'theirs')")
        await connection.execute("SELECT set_config('machi.tenant', 'sapporo', false)")
        assert await connection.fetch("SELECT * FROM notes") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DROP TABLE notes")
    finally:
        await connection.close()


@pytest.mark.integration
async def test_append_only_tables_can_be_read_and_added_to(pod_database: PodDatabase) -> None:
    connection = await asyncpg.connect(pod_database.url)
    try:
        await connection.execute("SELECT set_config('machi.tenant', 'fukuoka', false)")
        await connection.execute("INSERT INTO diary VALUES ('fukuoka', 'a line')")
        assert await connection.fetchval("SELECT count(*) FROM diary") == 1
        for statement in ("UPDATE diary SET line = 'b'", "DELETE FROM diary", "TRUNCATE diary"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


class Consents(ConsentServiceServicer):
    async def Check(self, request: wire.CheckRequest, context: object) -> wire.CheckResponse:
        assert current_call().tenant == "fukuoka"
        return wire.CheckResponse()

    async def CheckMany(self, request: wire.CheckManyRequest, context: object) -> wire.CheckManyResponse:
        raise NotImplementedError

    async def Decide(self, request: wire.DecideRequest, context: object) -> wire.DecideResponse:
        raise NotImplementedError

    async def GetNotice(self, request: wire.GetNoticeRequest, context: object) -> wire.GetNoticeResponse:
        raise NotImplementedError


async def test_a_caller_with_a_real_token_reaches_a_stand_in(release: LocalRelease, toy: Manifest) -> None:
    await release.serve(toy, add_ConsentServiceServicer_to_server, Consents())
    stub = ConsentServiceStub(release.peers("toy").channel("toy"))
    assert await stub.Check(wire.CheckRequest(), timeout=30, metadata=for_tenant("fukuoka")) == wire.CheckResponse()


async def test_waiting_ends_with_what_is_still_wrong() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.05 s.*still \[\]"):
        await wait_until(list[int], within=0.05)


@pytest.mark.integration
async def test_a_whole_pod_becomes_ready_and_drains(
    release: LocalRelease, toy: Manifest, pod_database: PodDatabase, kafka_server: KafkaAddress
) -> None:
    bootstrap = kafka_server.bootstrap

    async def assemble(pod: Pod) -> None:
        pod.serve(add_ConsentServiceServicer_to_server, Consents())

    await announce_pods(bootstrap, [toy])
    settings = release.settings("toy", pod_database.url, bootstrap)
    async with running_pod(assemble, settings, toy) as pod:
        assert pod.health.troubles() == {}


@pytest.mark.integration
async def test_events_are_published_and_read_whole(kafka_server: KafkaAddress) -> None:
    bootstrap = kafka_server.bootstrap
    await create_topics(bootstrap, {"test.kit": (2, "delete")})
    identifiers = await publish(
        bootstrap,
        "test.kit",
        [Event(f"citizen-{number}", ConsentDecided(citizen_id=str(number))) for number in range(5)],
    )
    read = await read_all(bootstrap, "test.kit")
    assert sorted(record.event_id for record in read) == sorted(identifiers)
    assert {record.tenant for record in read} == {"fukuoka"}
    await empty_topics(bootstrap, {"test.kit": (2, "delete"), "machi.pods.v1": (1, "compact")})
    assert await read_all(bootstrap, "test.kit") == []
