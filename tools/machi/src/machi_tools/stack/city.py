"""A municipality's files: desks, people, categories; put by an operator's rpcs, done twice they change nothing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from machi.identity.v1 import staff_service_pb2 as staff_pb2
from machi.identity.v1 import staff_service_pb2_grpc as staff_grpc
from machi.reports.v1 import report_service_pb2 as reports_pb2
from machi.reports.v1 import report_service_pb2_grpc as reports_grpc
from machi_sdk.errors import MachiError
from machi_sdk.rpc import Peers
from machi_tools.errors import StackError
from machi_tools.operator import DEADLINE, Operator, told
from machi_tools.stack.layout import Layout
from machi_tools.stack.plan import SEEDS

Row = dict[str, object]
Tenant = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class City:
    """The data files of one tenant."""

    tenant: Row
    desks: list[Row]
    staff: list[Row]
    catalogue: str
    slack_team: str = ""

    @property
    def tenant_id(self) -> str:
        """Whom the files are about."""
        return str(self.tenant["tenant_id"])

    def desks_of(self, person: Row) -> list[str]:
        """The desks of one person; "*" stands for all."""
        named = cast("list[str]", person["desks"])
        return [str(desk["desk_id"]) for desk in self.desks] if "*" in named else named


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
    path = people / "city.yaml"
    try:
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = City(
            entry["tenant"], entry["desks"], entry["staff"], _read_catalogue(reports), entry.get("slack_team", "")
        )
        _requests(found, found.slack_team)
    except OSError as error:
        raise StackError(f"{path}: {error.strerror}", "name a folder that has a city.yaml") from error
    except (KeyError, TypeError, AttributeError, ValueError, yaml.YAMLError) as error:
        words = f"{path} or the catalogue beside it: {type(error).__name__}: {error}".partition("\n")[0]
        raise StackError(words, "write it like the demo city's, deploy/helm/machi/demo/") from error
    return found


def _read_catalogue(folder: Path) -> str:
    """The report pod's catalogue as JSON, its wards included; empty when the folder has none."""
    path = next((path for path in sorted(folder.glob("catalogue.*")) if path.suffix in (".json", ".yaml")), None)
    if path is None:
        return ""
    catalogue = yaml.safe_load(path.read_text(encoding="utf-8"))
    wards = folder / "wards.geojson"
    if "wards" not in catalogue and wards.is_file():
        catalogue["wards"] = json.loads(wards.read_text(encoding="utf-8"))
    return json.dumps(catalogue, ensure_ascii=False, default=str)


async def seed(operator: Operator, city: City, team: str) -> None:
    """Put tenant, desks, staff and the catalogue; StackError says what refused them."""
    try:
        await put(operator, city, team)
    except MachiError as error:
        raise told(error) from error


async def put(operator: Operator, city: City, team: str) -> None:
    """Put tenant, desks, staff and the catalogue; MachiError when a pod refuses or does not answer.

    `team` is the Slack workspace of officers whose file names none.
    """

    async def ask(peers: Peers, tenant: Tenant) -> None:
        await _put_people(peers, tenant, _requests(city, city.slack_team or team))
        if city.catalogue:
            request = reports_pb2.PutCatalogueRequest(catalogue_json=city.catalogue)
            stub = reports_grpc.ReportServiceStub(peers.channel("reports"))
            await stub.PutCatalogue(request, timeout=DEADLINE, metadata=tenant)

    await operator.ask(ask)


async def list_staff(operator: Operator) -> list[staff_pb2.Staff]:
    """Everyone who works for the tenant."""

    async def ask(peers: Peers, tenant: Tenant) -> list[staff_pb2.Staff]:
        stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
        return list((await stub.ListStaff(staff_pb2.ListStaffRequest(), timeout=DEADLINE, metadata=tenant)).staff)

    return await operator.ask(ask)


async def list_tenants(operator: Operator) -> list[staff_pb2.Tenant]:
    """Every tenant of the release."""

    async def ask(peers: Peers, tenant: Tenant) -> list[staff_pb2.Tenant]:
        stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
        return list((await stub.ListTenants(staff_pb2.ListTenantsRequest(), timeout=DEADLINE, metadata=tenant)).tenants)

    return await operator.ask(ask)


@dataclass(frozen=True)
class _Requests:
    tenant: staff_pb2.PutTenantRequest
    desks: list[staff_pb2.PutDeskRequest]
    staff: list[staff_pb2.PutStaffRequest]


def _requests(city: City, team: str) -> _Requests:
    language = str(city.tenant["default_language"])
    return _Requests(
        _tenant(city.tenant),
        [staff_pb2.PutDeskRequest(desk=desk_of(desk, language)) for desk in city.desks],
        [staff_pb2.PutStaffRequest(staff=_staff(person, city.desks_of(person), team)) for person in city.staff],
    )


def _tenant(row: Row) -> staff_pb2.PutTenantRequest:
    return staff_pb2.PutTenantRequest(
        tenant_id=str(row["tenant_id"]),
        names=cast("dict[str, str]", row["names"]),
        default_language=str(row["default_language"]),
        time_zone=str(row["time_zone"]),
        languages=cast("list[str]", row.get("languages", [])),
    )


async def _put_people(peers: Peers, tenant: Tenant, requests: _Requests) -> None:
    stub = staff_grpc.StaffServiceStub(peers.channel("identity"))
    await stub.PutTenant(requests.tenant, timeout=DEADLINE, metadata=tenant)
    for desk in requests.desks:
        await stub.PutDesk(desk, timeout=DEADLINE, metadata=tenant)
    for person in requests.staff:
        await stub.PutStaff(person, timeout=DEADLINE, metadata=tenant)


def desk_of(row: Row, language: str) -> staff_pb2.Desk:
    """A desk of the city's file; `language` is the city's, for desks that name none."""
    name = str(row["desk_id"])
    titles, spoken = cast("dict[str, str]", row["titles"]), str(row.get("language", language))
    return staff_pb2.Desk(desk_id=name, name=name, titles=titles, phone=str(row["phone"]), language=spoken)


def _staff(row: Row, desks: list[str], team: str) -> staff_pb2.Staff:
    return staff_pb2.Staff(
        staff_id=str(row["staff_id"]),
        display_name=str(row["name"]),
        roles=cast("list[str]", row["roles"]),
        desk_ids=desks,
        slack_address=f"{team}/{row['slack_user']}",
    )


def _names() -> list[str]:
    return sorted(path.parent.name for path in SEEDS.glob("*/city.yaml"))
