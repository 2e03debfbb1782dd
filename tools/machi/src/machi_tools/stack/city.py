"""A municipality's files: desks, people, categories; put by an operator's rpcs, done twice they change nothing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from machi.identity.v1 import staff_service_pb2 as staff_pb2
from machi.identity.v1 import staff_service_pb2_grpc as staff_grpc
from machi.reports.v1 import report_service_pb2 as reports_pb2
from machi.reports.v1 import report_service_pb2_grpc as reports_grpc
from machi_sdk.errors import MachiError
from machi_sdk.rpc import Peers
from machi_tools.errors import StackError
from machi_tools.operator import DEADLINE, Operator, told
from machi_tools.stack.city_file import ALL, CURE, CityFile, DeskEntry, PersonEntry, read_city_file, read_plain
from machi_tools.stack.layout import Layout
from machi_tools.stack.plan import SEEDS

Tenant = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class City:
    """The data files of one tenant; the catalogue as JSON, empty where there is none."""

    file: CityFile
    catalogue: str

    @property
    def tenant_id(self) -> str:
        """Whom the files are about."""
        return self.file.tenant.tenant_id

    def left(self, directory: Iterable[staff_pb2.Staff]) -> list[str]:
        """The ids of those in the directory whom the files no longer name."""
        named = {person.staff_id for person in self.file.staff}
        return [one.staff_id for one in directory if one.staff_id not in named]

    def heirs(self, directory: Iterable[staff_pb2.Staff], team: str) -> dict[str, str]:
        """Whose Slack account the files give to another: that other's id by the present holder's."""
        heirs = {f"{team}/{person.slack_user}": person.staff_id for person in self.file.staff}
        held = ((one.staff_id, heirs.get(one.slack_address, one.staff_id)) for one in directory)
        return {holder: heir for holder, heir in held if holder != heir}

    def desks_elsewhere(self) -> list[str]:
        """The desks that the catalogue names and city.yaml does not; what is no desk its pod refuses."""
        known = {desk.desk_id for desk in self.file.desks}
        desks = json.loads(self.catalogue).get("desks") if self.catalogue else None
        named = [desk.get("desk_id") for desk in desks if isinstance(desk, dict)] if isinstance(desks, list) else []
        return [name for name in named if isinstance(name, str) and name not in known]


def seed_folder(tenant: str) -> Path:
    """Where the files of a tenant lie."""
    return SEEDS / tenant


def read_city(layout: Layout, tenant: str) -> City:
    """Read a tenant's files; StackError when there are none."""
    if not (seed_folder(tenant) / "city.yaml").is_file():
        raise StackError(f"there are no seeds for {tenant}", f"seeds exist for {', '.join(_names())}")
    return read_folders(seed_folder(tenant), layout.root / "services" / "reports" / "seeds" / tenant)


def read_folders(people: Path, reports: Path) -> City:
    """A city from the folder of its people and desks, and the one of its report pod's catalogue; StackError."""
    return City(read_city_file(people / "city.yaml"), _read_catalogue(reports))


def _read_catalogue(folder: Path) -> str:
    path = next((path for path in sorted(folder.glob("catalogue.*")) if path.suffix in (".json", ".yaml")), None)
    if path is None:
        return ""
    catalogue, wards = read_plain(path), folder / "wards.geojson"
    if not isinstance(catalogue, dict):
        raise StackError(f"{path}: is no mapping", CURE)
    if "wards" not in catalogue and wards.is_file():
        catalogue["wards"] = read_plain(wards)
    return json.dumps(catalogue, ensure_ascii=False, default=str)


async def seed(operator: Operator, city: City, team: str) -> None:
    """Put tenant, desks, staff and the catalogue; StackError says what refused them."""
    try:
        await put(operator, city, team)
    except MachiError as error:
        raise told(error) from error


async def seed_once(operator: Operator, city: City, team: str) -> bool:
    """Put the files of a tenant that was never put; whether it was so. What somebody put since then stays.

    Only the workspace of the files' officers follows the stack's: nobody could press a button any more.
    """
    there = next((each for each in await list_tenants(operator) if each.tenant_id == city.tenant_id), None)
    if there is None or not there.names:
        await put(operator, city, team)
        return True
    await operator.ask(partial(_move_officers, city, city.file.slack_team or team))
    return False


async def put(operator: Operator, city: City, team: str) -> None:
    """Put the catalogue, desks, staff, and tenant; MachiError when a pod refuses or does not answer.

    StackError when the catalogue has a desk that is none: its cards would wait for ever.
    The catalogue goes first: its pod judges what no look at the files can, and one that is refused changes nothing.
    The tenant goes last: one that has a name was put whole.
    `team` is the Slack workspace of officers whose file names none.
    """

    async def ask(peers: Peers, tenant: Tenant) -> None:
        if elsewhere := city.desks_elsewhere():
            await _check_desks(peers, tenant, elsewhere)
        if city.catalogue:
            request = reports_pb2.PutCatalogueRequest(catalogue_json=city.catalogue)
            stub = reports_grpc.ReportServiceStub(peers.channel("reports"))
            await stub.PutCatalogue(request, timeout=DEADLINE, metadata=tenant)
        await _put_people(peers, tenant, city, city.file.slack_team or team)

    await operator.ask(ask)


async def list_staff(operator: Operator) -> list[staff_pb2.Staff]:
    """Everyone who works for the tenant."""

    async def ask(peers: Peers, tenant: Tenant) -> list[staff_pb2.Staff]:
        stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
        return list((await stub.ListStaff(staff_pb2.ListStaffRequest(), timeout=DEADLINE, metadata=tenant)).staff)

    return await operator.ask(ask)


async def remove_staff(operator: Operator, staff_ids: Sequence[str]) -> list[str]:
    """Take out of the directory who left; the ids that nobody has."""
    request = staff_pb2.RemoveStaffRequest(staff_ids=staff_ids)

    async def ask(peers: Peers, tenant: Tenant) -> list[str]:
        stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
        return list((await stub.RemoveStaff(request, timeout=DEADLINE, metadata=tenant)).unknown_ids)

    return await operator.ask(ask)


async def list_tenants(operator: Operator) -> list[staff_pb2.Tenant]:
    """Every tenant of the release."""

    async def ask(peers: Peers, tenant: Tenant) -> list[staff_pb2.Tenant]:
        stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
        return list((await stub.ListTenants(staff_pb2.ListTenantsRequest(), timeout=DEADLINE, metadata=tenant)).tenants)

    return await operator.ask(ask)


async def _check_desks(peers: Peers, tenant: Tenant, named: Sequence[str]) -> None:
    stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
    there = await stub.ListDesks(staff_pb2.ListDesksRequest(), timeout=DEADLINE, metadata=tenant)
    if strange := set(named) - {desk.desk_id for desk in there.desks}:
        raise StackError(
            f"catalogue.yaml: desks: {', '.join(sorted(strange))} is no desk of city.yaml, nor one that is there",
            "add it to city.yaml, or mend its desk_id",
        )


async def _put_people(peers: Peers, tenant: Tenant, city: City, team: str) -> None:
    stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
    file, entry = city.file, city.file.tenant
    for desk in file.desks:
        told = staff_pb2.PutDeskRequest(desk=desk_of(desk, entry.default_language))
        await stub.PutDesk(told, timeout=DEADLINE, metadata=tenant)
    there = (await stub.ListStaff(staff_pb2.ListStaffRequest(), timeout=DEADLINE, metadata=tenant)).staff
    heirs, left = city.heirs(there, team), city.left(there)
    for one in there:  # an account is one person's: who gets another one gives theirs up before its heir comes
        if one.staff_id in heirs and one.staff_id not in left:
            one.ClearField("slack_address")
            await stub.PutStaff(staff_pb2.PutStaffRequest(staff=one), timeout=DEADLINE, metadata=tenant)
    for person in file.staff:
        desks = [desk.desk_id for desk in file.desks] if ALL in person.desks else person.desks
        await stub.PutStaff(
            staff_pb2.PutStaffRequest(staff=_staff(person, desks, team)), timeout=DEADLINE, metadata=tenant
        )
    request = staff_pb2.PutTenantRequest(
        tenant_id=entry.tenant_id,
        names=entry.names,
        default_language=entry.default_language,
        time_zone=entry.time_zone,
        languages=entry.languages,
    )
    await stub.PutTenant(request, timeout=DEADLINE, metadata=tenant)


async def _move_officers(city: City, team: str, peers: Peers, tenant: Tenant) -> None:
    """Officers who are the files' by id and Slack user are put into the workspace; else they stay as they are."""
    stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
    there = (await stub.ListStaff(staff_pb2.ListStaffRequest(), timeout=DEADLINE, metadata=tenant)).staff
    users, taken = {each.staff_id: each.slack_user for each in city.file.staff}, {each.slack_address for each in there}
    for one in there:
        user = one.slack_address.partition("/")[2]
        if team and user and users.get(one.staff_id) == user and f"{team}/{user}" not in taken:
            one.slack_address = f"{team}/{user}"
            await stub.PutStaff(staff_pb2.PutStaffRequest(staff=one), timeout=DEADLINE, metadata=tenant)


def desk_of(desk: DeskEntry, language: str) -> staff_pb2.Desk:
    """A desk of the city's file; `language` is the city's, for desks that name none."""
    name, spoken = desk.desk_id, desk.language or language
    return staff_pb2.Desk(desk_id=name, name=name, titles=desk.titles, phone=desk.phone, language=spoken)


def _staff(person: PersonEntry, desks: Sequence[str], team: str) -> staff_pb2.Staff:
    return staff_pb2.Staff(
        staff_id=person.staff_id,
        display_name=person.name,
        roles=person.roles,
        desk_ids=desks,
        slack_address=f"{team}/{person.slack_user}",
    )


def _names() -> list[str]:
    return sorted(path.parent.name for path in SEEDS.glob("*/city.yaml"))
