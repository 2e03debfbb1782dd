"""An operator speaks for the municipality that is named, in files or by `--tenant`, and else for the first."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.message import Message
from grpc.aio import ServicerContext

from machi.identity.v1 import staff_service_pb2 as staff_pb2
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceServicer, add_StaffServiceServicer_to_server
from machi.reports.v1 import report_service_pb2 as reports_pb2
from machi.reports.v1.report_service_pb2_grpc import ReportServiceServicer, add_ReportServiceServicer_to_server
from machi_sdk.errors import Conflict, Invalid, Missing, Unavailable
from machi_sdk.manifest import OPERATOR, load_manifest
from machi_sdk.rpc import current_call
from machi_sdk.testing import LocalRelease
from machi_tools import cli_city
from machi_tools.cluster.applying import seed_city
from machi_tools.errors import StackError
from machi_tools.operator import Operator, told
from machi_tools.places import ask_registry, trace_of
from machi_tools.stack.city import City, list_staff, read_folders, remove_staff
from machi_tools.stack.layout import ROOT
from machi_tools.topic_view import TopicView

Context = ServicerContext[Message, Message]
DEMO = ROOT / "deploy" / "helm" / "machi" / "demo"


class Directory(StaffServiceServicer):
    """identity, as far as files go there."""

    def __init__(self) -> None:
        self.put: list[tuple[str, str]] = []
        self.team = ""  # of whom it lists
        self.names: dict[str, str] = {}  # by tenant
        self.breaks = 0  # so many times it does not take lead-1
        self.desks: list[str] = []
        self.people: dict[tuple[str, str], str] = {}  # the Slack address by tenant and id
        self.removed: list[tuple[str, str]] = []

    def _note(self, request: Message) -> None:
        self.put.append((type(request).__name__, current_call().tenant))

    async def PutTenant(self, request: staff_pb2.PutTenantRequest, context: Context) -> staff_pb2.PutTenantResponse:
        assert request.tenant_id == current_call().tenant
        self._note(request)
        self.names[request.tenant_id] = request.names["ja"]
        return staff_pb2.PutTenantResponse()

    async def ListTenants(
        self, request: staff_pb2.ListTenantsRequest, context: Context
    ) -> staff_pb2.ListTenantsResponse:
        tenants = ((each, self.names.get(each)) for each in ("fukuoka", "kasuga"))
        listed = [staff_pb2.Tenant(tenant_id=each, names={"ja": name} if name else {}) for each, name in tenants]
        return staff_pb2.ListTenantsResponse(tenants=listed)

    async def PutDesk(self, request: staff_pb2.PutDeskRequest, context: Context) -> staff_pb2.PutDeskResponse:
        self._note(request)
        self.desks.append(request.desk.desk_id)
        return staff_pb2.PutDeskResponse()

    async def ListDesks(self, request: staff_pb2.ListDesksRequest, context: Context) -> staff_pb2.ListDesksResponse:
        return staff_pb2.ListDesksResponse(desks=[staff_pb2.Desk(desk_id=each) for each in self.desks])

    async def PutStaff(self, request: staff_pb2.PutStaffRequest, context: Context) -> staff_pb2.PutStaffResponse:
        if self.breaks and request.staff.staff_id == "lead-1":
            self.breaks -= 1
            raise Unavailable("database-away")
        self._note(request)
        key, address = (current_call().tenant, request.staff.staff_id), request.staff.slack_address
        if address and address in {held for other, held in self.people.items() if other != key}:
            raise Conflict("slack-address-taken", "another member of staff has this address")
        self.people[key] = address
        return staff_pb2.PutStaffResponse()

    async def ListStaff(self, request: staff_pb2.ListStaffRequest, context: Context) -> staff_pb2.ListStaffResponse:
        tenant = current_call().tenant
        there = {f"one-of-{tenant}": f"{self.team}/U1" if self.team else ""}
        there |= {one: address for (of, one), address in self.people.items() if of == tenant}
        listed = [staff_pb2.Staff(staff_id=one, slack_address=address) for one, address in there.items()]
        return staff_pb2.ListStaffResponse(staff=listed)

    async def RemoveStaff(
        self, request: staff_pb2.RemoveStaffRequest, context: Context
    ) -> staff_pb2.RemoveStaffResponse:
        known = [each for each in request.staff_ids if each != "nobody"]
        self.removed += [(each, current_call().tenant) for each in known]
        return staff_pb2.RemoveStaffResponse(unknown_ids=set(request.staff_ids) - set(known))


class Cases(ReportServiceServicer):
    """reports, with one case, of kasuga."""

    def __init__(self) -> None:
        self.catalogues: list[str] = []
        self.refuses = False

    async def PutCatalogue(
        self, request: reports_pb2.PutCatalogueRequest, context: Context
    ) -> reports_pb2.PutCatalogueResponse:
        if self.refuses:
            raise Invalid("catalogue-invalid", "urgent.phone")
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


@pytest.fixture
def kasuga(tmp_path: Path) -> City:
    folder = shutil.copytree(DEMO, tmp_path / "kasuga")
    files = (folder / "city.yaml").read_text(encoding="utf-8").replace("tenant_id: fukuoka", "tenant_id: kasuga")
    (folder / "city.yaml").write_text(f"slack_team: T0KASUGA\n{files}", encoding="utf-8")
    return read_folders(folder, folder)


def teams(place: Place) -> set[str]:
    return {address.partition("/")[0] for address in place.directory.people.values()}


def with_accounts(city: City, **accounts: str) -> City:
    """The same with other Slack users, by staff_id with an underscore."""
    people = [
        person.model_copy(update={"slack_user": accounts.get(person.staff_id.replace("-", "_"), person.slack_user)})
        for person in city.file.staff
    ]
    return replace(city, file=city.file.model_copy(update={"staff": tuple(people)}))


async def test_the_demo_city_is_put_whole_and_only_where_nothing_was_put(place: Place) -> None:
    place.directory.breaks = 5  # more often than a call is made again
    said: list[str] = []
    async with place.operator("identity", "reports") as operator:
        await seed_city(operator, DEMO, "T0DEMO", said.append)
        assert [one for _, one in place.directory.people] == [
            one.staff_id for one in read_folders(DEMO, DEMO).file.staff
        ]
        assert (list(place.directory.names), teams(place)) == (["fukuoka"], {"T0DEMO"})
        tries = len(place.cases.catalogues)
        place.directory.put.clear()
        await seed_city(operator, DEMO, "T0DEMO", said.append)
    assert tries > 1, "once more after what broke"
    assert (place.directory.put, len(place.cases.catalogues)) == ([], tries)
    assert said == ["seeded fukuoka", "fukuoka was put already, and stays as it is"]


async def test_the_demo_citys_officers_follow_the_stack_to_another_workspace(place: Place) -> None:
    async with place.operator("identity", "reports") as operator:
        await seed_city(operator, DEMO, "T0DEMO", list[str]().append)
        place.directory.people["fukuoka", "front-1"] = "T0DEMO/U0OWN"
        place.directory.put.clear()
        await seed_city(operator, DEMO, "T0OTHER", list[str]().append)
    assert {name for name, _ in place.directory.put} == {"PutStaffRequest"}
    moved = {one: address for (_, one), address in place.directory.people.items()}
    assert (moved["lead-1"], moved["front-1"]) == ("T0OTHER/U0LEAD01", "T0DEMO/U0OWN"), "put by somebody: it stays"


async def test_two_officers_can_swap_their_slack_accounts(place: Place, kasuga: City) -> None:
    await cli_city._put(place, kasuga, new_workspace=False)
    before = dict(place.directory.people)
    one, other = (before["kasuga", name].partition("/")[2] for name in ("front-1", "lead-1"))
    await cli_city._put(place, with_accounts(kasuga, front_1=other, lead_1=one), new_workspace=False)
    swapped = {("kasuga", "front-1"): before["kasuga", "lead-1"], ("kasuga", "lead-1"): before["kasuga", "front-1"]}
    assert place.directory.people == {**before, **swapped}


async def test_an_account_of_somebody_whom_the_file_does_not_name_is_told_with_both(place: Place, kasuga: City) -> None:
    place.directory.team = "T0KASUGA"
    with pytest.raises(StackError, match="front-1 is one-of-kasuga's") as refused:
        await cli_city._put(place, with_accounts(kasuga, front_1="U1"), new_workspace=False)
    assert "machi staff remove --tenant kasuga one-of-kasuga" in refused.value.cure
    assert (place.directory.put, place.cases.catalogues) == ([], [])


async def test_a_desk_that_only_the_catalogue_knows_is_named_before_anything_is_put(place: Place, kasuga: City) -> None:
    without = replace(kasuga, file=kasuga.file.model_copy(update={"desks": kasuga.file.desks[1:]}))
    [desk] = without.desks_elsewhere()
    with pytest.raises(StackError, match=f"^catalogue.yaml: desks: {desk} is no desk"):
        await cli_city._put(place, without, new_workspace=False)
    assert (place.directory.put, place.cases.catalogues) == ([], [])
    place.directory.desks.append(desk)
    with_nobody = replace(without, file=without.file.model_copy(update={"staff": ()}))
    await cli_city._put(place, with_nobody, new_workspace=False)
    assert place.cases.catalogues == ["kasuga"], "a desk that is there is one"


def test_a_conflict_is_not_told_to_try_again() -> None:
    told_of = [told(Conflict(slug, "another has it")) for slug in ("slack-address-taken", "desk-name-taken")]
    assert not [each.cure for each in told_of if "again" in each.cure]
    assert "machi staff remove" in told_of[0].cure


async def test_what_a_pod_refuses_changes_nothing(place: Place, kasuga: City) -> None:
    place.cases.refuses = True
    with pytest.raises(Invalid, match=r"urgent\.phone"):
        await cli_city._put(place, kasuga, new_workspace=False)
    assert (place.directory.put, place.cases.catalogues) == ([], [])


async def test_a_workspace_that_is_not_the_officers_locks_nobody_out(place: Place, kasuga: City) -> None:
    place.directory.team = "T0CITY"
    with pytest.raises(StackError, match="workspace T0CITY, and the file says T0KASUGA") as refused:
        await cli_city._put(place, kasuga, new_workspace=False)
    assert (place.directory.put, "--new-workspace" in refused.value.cure) == ([], True)
    await cli_city._put(place, kasuga, new_workspace=True)
    assert teams(place) == {"T0KASUGA"}


async def test_a_municipalitys_files_go_to_it_alone(place: Place, kasuga: City) -> None:
    assert await cli_city._put(place, kasuga, new_workspace=False) == ["one-of-kasuga"], "whom the files do not name"
    assert {tenant for _, tenant in place.directory.put} == {"kasuga"}
    assert len(place.directory.put) == 1 + len(kasuga.file.desks) + len(kasuga.file.staff)
    assert teams(place) == {"T0KASUGA"}
    assert place.cases.catalogues == ["kasuga"]


async def test_who_left_is_taken_out_of_the_municipality_that_is_named(place: Place) -> None:
    unknown = await ask_registry(place, lambda operator: remove_staff(operator, ["roads-1", "nobody"]), "kasuga")
    assert (unknown, place.directory.removed) == (["nobody"], [("roads-1", "kasuga")])


async def test_staff_and_cases_are_those_of_the_tenant_that_is_named(place: Place) -> None:
    assert [each.staff_id for each in await ask_registry(place, list_staff)] == ["one-of-fukuoka"]
    assert [each.staff_id for each in await ask_registry(place, list_staff, "kasuga")] == ["one-of-kasuga"]
    with pytest.raises(Missing):
        await trace_of(place, "KS-0000-0000")
    assert await trace_of(place, "KS-0000-0000", "kasuga") == "a" * 32
    with pytest.raises(Unavailable) as refused:
        await trace_of(place, "KS-0000-0000", "nowhere")
    assert "`machi tenants`" in told(refused.value).cure
