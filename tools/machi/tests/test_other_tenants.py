"""An operator speaks for the municipality that is named, in files or by `--tenant`, and else for the first."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.protobuf.message import Message
from grpc.aio import ServicerContext

from machi.identity.v1 import staff_service_pb2 as staff_pb2
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceServicer, add_StaffServiceServicer_to_server
from machi.reports.v1 import report_service_pb2 as reports_pb2
from machi.reports.v1.report_service_pb2_grpc import ReportServiceServicer, add_ReportServiceServicer_to_server
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.manifest import OPERATOR, load_manifest
from machi_sdk.rpc import current_call
from machi_sdk.testing import LocalRelease
from machi_tools import cli_city
from machi_tools.operator import Operator, told
from machi_tools.places import ask_registry, trace_of
from machi_tools.stack.city import list_staff, read_folders
from machi_tools.stack.layout import ROOT
from machi_tools.topic_view import TopicView

Context = ServicerContext[Message, Message]
DEMO = ROOT / "deploy" / "helm" / "machi" / "demo"


class Directory(StaffServiceServicer):
    """identity, as far as files go there."""

    def __init__(self) -> None:
        self.put: list[tuple[str, str]] = []
        self.teams: set[str] = set()

    def _note(self, request: Message) -> None:
        self.put.append((type(request).__name__, current_call().tenant))

    async def PutTenant(self, request: staff_pb2.PutTenantRequest, context: Context) -> staff_pb2.PutTenantResponse:
        assert request.tenant_id == current_call().tenant
        self._note(request)
        return staff_pb2.PutTenantResponse()

    async def PutDesk(self, request: staff_pb2.PutDeskRequest, context: Context) -> staff_pb2.PutDeskResponse:
        self._note(request)
        return staff_pb2.PutDeskResponse()

    async def PutStaff(self, request: staff_pb2.PutStaffRequest, context: Context) -> staff_pb2.PutStaffResponse:
        self._note(request)
        self.teams.add(request.staff.slack_address.partition("/")[0])
        return staff_pb2.PutStaffResponse()

    async def ListStaff(self, request: staff_pb2.ListStaffRequest, context: Context) -> staff_pb2.ListStaffResponse:
        return staff_pb2.ListStaffResponse(staff=[staff_pb2.Staff(staff_id=f"one-of-{current_call().tenant}")])


class Cases(ReportServiceServicer):
    """reports, with one case, of kasuga."""

    def __init__(self) -> None:
        self.catalogues: list[str] = []

    async def PutCatalogue(
        self, request: reports_pb2.PutCatalogueRequest, context: Context
    ) -> reports_pb2.PutCatalogueResponse:
        self.catalogues.append(current_call().tenant)
        return reports_pb2.PutCatalogueResponse()

    async def FindCase(self, request: reports_pb2.FindCaseRequest, context: Context) -> reports_pb2.FindCaseResponse:
        if current_call().tenant != "kasuga":
            raise Missing("case-unknown")
        return reports_pb2.FindCaseResponse(trace_id="a" * 32)


class Place:
    """A release with two municipalities, fukuoka first."""

    def __init__(self, release: LocalRelease) -> None:
        self.release = release
        self.directory, self.cases = Directory(), Cases()  # type: ignore[abstract]

    async def start(self) -> None:
        manifests = [load_manifest(ROOT / "services" / pod / "service.yaml") for pod in ("identity", "reports")]
        await self.release.serve(manifests[0], add_StaffServiceServicer_to_server, self.directory)
        await self.release.serve(manifests[1], add_ReportServiceServicer_to_server, self.cases)

    @asynccontextmanager
    async def operator(self, *pods: str) -> AsyncIterator[Operator]:
        for pod in pods:
            self.release.issuer.allow(OPERATOR, pod)
        addresses = {pod: self.release.addresses[pod] for pod in pods}
        yield Operator(lambda _pods: self.release.issuer.keys_of(OPERATOR), addresses, "fukuoka")

    async def pods(self) -> list[str]:
        return sorted(self.release.addresses)

    async def ask(self, pod: str, verb: str, *words: str) -> Sequence[object]:
        return []

    async def topics(self) -> list[TopicView]:
        return []


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with LocalRelease(tmp_path / "release", frozenset({"fukuoka", "kasuga"})) as release:
        found = Place(release)
        await found.start()
        yield found


async def test_a_municipalitys_files_go_to_it_alone(place: Place, tmp_path: Path) -> None:
    folder = shutil.copytree(DEMO, tmp_path / "kasuga")
    files = (folder / "city.yaml").read_text(encoding="utf-8").replace("tenant_id: fukuoka", "tenant_id: kasuga")
    (folder / "city.yaml").write_text(f"slack_team: T0KASUGA\n{files}", encoding="utf-8")
    found = read_folders(folder, folder)
    await cli_city._put(place, found)
    assert {tenant for _, tenant in place.directory.put} == {"kasuga"}
    assert len(place.directory.put) == 1 + len(found.desks) + len(found.staff)
    assert place.directory.teams == {"T0KASUGA"}
    assert place.cases.catalogues == ["kasuga"]


async def test_staff_and_cases_are_those_of_the_tenant_that_is_named(place: Place) -> None:
    assert [each.staff_id for each in await ask_registry(place, list_staff)] == ["one-of-fukuoka"]
    assert [each.staff_id for each in await ask_registry(place, list_staff, "kasuga")] == ["one-of-kasuga"]
    with pytest.raises(Missing):
        await trace_of(place, "KS-0000-0000")
    assert await trace_of(place, "KS-0000-0000", "kasuga") == "a" * 32
    with pytest.raises(Unavailable) as refused:
        await trace_of(place, "KS-0000-0000", "nowhere")
    assert "`machi tenants`" in told(refused.value).cure
