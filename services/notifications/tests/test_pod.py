"""The whole pod: a fact on Kafka becomes a request on Kafka; its outcome is listed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import grpc
import pytest

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.deliveries.v1.events_pb2 import DeliveryConcluded, DeliveryRequested, DeliveryState
from machi.identity.v1.identity_service_pb2 import GetContactRequest, GetContactResponse
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceServicer, add_IdentityServiceServicer_to_server
from machi.notifications.v1.notification_service_pb2 import ListDeliveriesRequest
from machi.notifications.v1.notification_service_pb2_grpc import NotificationServiceStub
from machi.reports.v1.events_pb2 import ReportAcknowledged, ReportFiled, ReportRef, ReportResolved
from machi.reports.v1.report_service_pb2 import GetUpdateRequest, GetUpdateResponse
from machi.reports.v1.report_service_pb2_grpc import ReportServiceServicer, add_ReportServiceServicer_to_server
from machi_notifications.adapters.work import NotificationsWork
from machi_notifications.wiring import assemble
from machi_sdk.manifest import Manifest, Serves, load_manifest
from machi_sdk.rpc import for_tenant
from machi_sdk.service import Pod
from machi_sdk.testing import (
    LocalRelease,
    PodDatabase,
    announce_pods,
    create_topics,
    empty_topics,
    publish,
    read_all,
    registered_topics,
    running_pod,
    wait_until,
)
from machi_sdk.testing.kafka import Event
from machi_tools.embedded.given import KafkaAddress

pytestmark = pytest.mark.integration

SERVICE = Path(__file__).parent.parent
TOPICS = SERVICE.parent.parent / "protos" / "topics"
REQUESTS = "machi.deliveries.requests.v1"
Condition = Callable[[], bool | Awaitable[bool]]
WORDS = "Replaced the lamp.\n<b>Thank you</b> & good night"


class Identity(IdentityServiceServicer):
    async def GetContact(
        self,
        request: GetContactRequest,
        context: grpc.aio.ServicerContext[GetContactRequest, GetContactResponse],
    ) -> GetContactResponse:
        present = "c-new" if request.citizen_id == "c-old" else request.citizen_id
        return GetContactResponse(language="zh-Hant", channel="line", citizen_id=present)


class Reports(ReportServiceServicer):
    async def GetUpdate(
        self,
        request: GetUpdateRequest,
        context: grpc.aio.ServicerContext[GetUpdateRequest, GetUpdateResponse],
    ) -> GetUpdateResponse:
        assert (request.report_id, request.update_id) == ("r-pod", "u-1")
        return GetUpdateResponse(case_number="ABC-123-4", words=WORDS)


def _serving(name: str, service: str) -> Manifest:
    return Manifest(name=name, version="0.1.0", owner="test", serves=(Serves(service=service),))


def _report(citizen_id: str = "c-pod", version: int = 2) -> ReportRef:
    ref = ReportRef(report_id="r-pod", case_number="ABC-123-4", citizen_id=citizen_id, version=version)
    ref.occurred_at.FromDatetime(datetime.now(UTC))
    return ref


async def _requests(bootstrap: str, citizen_id: str = "c-pod") -> list[DeliveryRequested]:
    found = [record.event for record in await read_all(bootstrap, REQUESTS)]
    return [event for event in found if isinstance(event, DeliveryRequested) and event.citizen_id == citizen_id]


async def _first_requests(bootstrap: str) -> list[DeliveryRequested]:
    found: list[DeliveryRequested] = []

    async def some() -> bool:
        found[:] = await _requests(bootstrap)
        return bool(found)

    until: Condition = some
    await wait_until(until)
    return found


@asynccontextmanager
async def _running(database: PodDatabase, bootstrap: str, folder: Path) -> AsyncIterator[tuple[Pod, LocalRelease]]:
    """The pod beside stand-ins of identity and reports."""
    manifest = load_manifest(SERVICE / "service.yaml")
    topics = registered_topics(TOPICS)
    await create_topics(bootstrap, topics)
    await empty_topics(bootstrap, topics)
    await announce_pods(bootstrap, [manifest])
    async with LocalRelease(folder) as release:
        identity = _serving("identity", "machi.identity.v1.IdentityService")
        reports = _serving("reports", "machi.reports.v1.ReportService")
        await release.serve(identity, add_IdentityServiceServicer_to_server, Identity())  # type: ignore[abstract]
        await release.serve(reports, add_ReportServiceServicer_to_server, Reports())  # type: ignore[abstract]
        await release.install(manifest)
        settings = release.settings("notifications", database.url, bootstrap)
        async with running_pod(assemble, settings, manifest) as pod:
            yield pod, release


async def test_from_fact_to_truth(database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path) -> None:
    bootstrap = kafka_server.bootstrap
    async with _running(database, bootstrap, tmp_path) as (pod, release):
        resolved = ReportResolved(report=_report(), update_id="u-1")
        facts = [Event("r-pod", ReportFiled(report=_report())), Event("r-pod", resolved), Event("r-pod", resolved)]
        await publish(bootstrap, "machi.reports.v1", facts)
        request = (await _first_requests(bootstrap))[0]
        assert request.messages[0].card.body == f"案件編號 ABC-123-4\n\n{WORDS}"
        concluded = DeliveryConcluded(
            delivery_id=request.delivery_id, citizen_id="c-pod", state=DeliveryState.DELIVERY_STATE_ACCEPTED
        )
        concluded.occurred_at.FromDatetime(datetime.now(UTC))
        await publish(bootstrap, "machi.deliveries.outcomes.v1", [Event("c-pod", concluded)])
        release.addresses["notifications"] = f"127.0.0.1:{pod.rpc.port}"
        stub = NotificationServiceStub(release.peers("operator").channel("notifications"))

        async def accepted() -> bool:
            question = ListDeliveriesRequest(thread="r-pod")
            answer = await stub.ListDeliveries(question, timeout=2, metadata=for_tenant("fukuoka"))
            assert [each.cause for each in answer.deliveries] == ["ReportResolved"]
            return answer.deliveries[0].state == DeliveryState.DELIVERY_STATE_ACCEPTED

        until: Condition = accepted
        await wait_until(until)
        assert len(await _requests(bootstrap)) == 1


async def test_late_facts_under_a_former_id_tell_the_person_of_today(
    database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path
) -> None:
    bootstrap = kafka_server.bootstrap
    async with _running(database, bootstrap, tmp_path) as (pod, _):
        works = pod.works(NotificationsWork)

        async def owners() -> list[str]:
            async with works.begin("fukuoka") as work:
                rows = await work.db.fetch("SELECT citizen_id FROM deliveries ORDER BY version")
            return [row["citizen_id"] for row in rows]

        async def told(count: int) -> bool:
            return len(await _requests(bootstrap, "c-new")) == count

        acknowledged = ReportAcknowledged(report=_report("c-old", 2))
        await publish(bootstrap, "machi.reports.v1", [Event("r-pod", acknowledged)])
        await wait_until(partial(told, 1))
        async with works.begin("fukuoka") as work:  # as it was entered before the channels were linked
            await work.db.execute("UPDATE deliveries SET citizen_id = 'c-old'")
        merged = CitizenMerged(from_id="c-old", into_id="c-new")
        await publish(bootstrap, "machi.citizens.v1", [Event("c-new", merged), Event("c-new", merged)])

        async def moved() -> bool:
            return await owners() == ["c-new"]

        await wait_until(moved)
        resolved = ReportResolved(report=_report("c-old", 3), update_id="u-1")
        await publish(bootstrap, "machi.reports.v1", [Event("r-pod", resolved)])
        await wait_until(partial(told, 2))
        assert await owners() == ["c-new", "c-new"]
