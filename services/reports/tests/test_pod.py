"""The whole pod, on real Kafka: what a turn wrote leaves in order; no photo decoder is loaded at the start."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi.reports.v1.report_service_pb2 import FindCaseRequest, PutCatalogueRequest
from machi.reports.v1.report_service_pb2_grpc import ReportServiceStub
from machi_reports.wiring import assemble
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.rpc import Peers, for_tenant
from machi_sdk.service import Pod
from machi_sdk.telemetry import span
from machi_sdk.testing import (
    LocalRelease,
    PodDatabase,
    announce_pods,
    create_topics,
    read_all,
    registered_topics,
    running_pod,
    wait_until,
)
from machi_tools.embedded.given import KafkaAddress

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub
    from machi.reports.v1.report_service_pb2_grpc import ReportServiceAsyncStub

pytestmark = pytest.mark.integration
SERVICE = Path(__file__).resolve().parents[1]
TOPICS = SERVICE.parents[1] / "protos" / "topics"
LINE = {
    "name": "channel-line",
    "version": "1",
    "owner": "test",
    "calls": [{"pod": "*", "services": ["machi.dialogue.v1.DialogueService"]}],
}
ANSWERS = ("light", "dark", "中央区天神", "スキップ", "暗いです", "はい", "はい")


def callers(release: LocalRelease, pod: Pod) -> Callable[[str], Peers]:
    def peers(caller: str) -> Peers:
        release.issuer.allow(caller, "reports")
        return Peers({"reports": f"127.0.0.1:{pod.rpc.port}"}, release.issuer.keys_of(caller))

    return peers


async def filed(line: "DialogueServiceAsyncStub") -> str:
    request = wire.TurnRequest(event_id="e", citizen_id="hana", channel="line", language="ja")
    request.open.command = "report"
    response = await line.Turn(request, timeout=30, metadata=for_tenant("fukuoka"))
    for index, words in enumerate(ANSWERS):
        request = wire.TurnRequest(
            event_id=f"e{index}",
            citizen_id="hana",
            channel="line",
            language="ja",
            session_id=response.session_id,
            text=wire.TextInput(text=words),
        )
        response = await line.Turn(request, timeout=30, metadata=for_tenant("fukuoka"))
    return response.messages[0].receipt.number


async def test_a_case_leaves_on_kafka_with_its_trace(
    database: PodDatabase, release: LocalRelease, kafka_server: KafkaAddress, city_catalogue: Mapping[str, object]
) -> None:
    manifest = load_manifest(SERVICE / "service.yaml")
    await create_topics(kafka_server.bootstrap, registered_topics(TOPICS))
    await announce_pods(kafka_server.bootstrap, [manifest, Manifest.model_validate(LINE)])
    settings = release.settings("reports", database.url, kafka_server.bootstrap)
    async with running_pod(assemble, settings, manifest) as pod:
        peers = callers(release, pod)
        as_operator, as_line = peers("operator"), peers("channel-line")
        operator: ReportServiceAsyncStub = ReportServiceStub(as_operator.channel("reports"))
        request = PutCatalogueRequest(catalogue_json=json.dumps(city_catalogue))
        await operator.PutCatalogue(request, timeout=30, metadata=for_tenant("fukuoka"))
        with span("webhook") as webhook:
            number = await filed(DialogueServiceStub(as_line.channel("reports")))
        found = await operator.FindCase(FindCaseRequest(case_number=number), timeout=30, metadata=for_tenant("fukuoka"))
        assert found.trace_id == f"{webhook.get_span_context().trace_id:032x}"
        await _arrived(kafka_server.bootstrap, found.report_id)
        await as_operator.close()
        await as_line.close()


async def _arrived(bootstrap: str, report_id: str) -> None:
    async def both() -> bool:
        topics = ("machi.reports.v1", "machi.desk.cards.v1")
        return all([report_id in {record.key for record in await read_all(bootstrap, topic)} for topic in topics])

    condition: Callable[[], bool | Awaitable[bool]] = both
    await wait_until(condition)


def test_starting_loads_no_decoder() -> None:
    heavy = "{'PIL', 'pillow_heif', 'obstore', 'shapely', 'numpy', 'jsonschema', 'sqlmodel', 'alembic'}"
    code = f"import sys, machi_reports.__main__; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
