"""A line of code knows its room: who may import whom, inside a service and between the parts of the house."""

import subprocess
import sys

import pytest

from tests.architecture.house import ROOT, Service, Source, imports, python_sources, services

every_service = pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
ROOMS = {"domain", "use_cases", "adapters", "entrypoints"}
MODULES = {"__init__", "__main__", "ports", "wiring", "telemetry"}
DATA = {"texts", "templates", "data"}
# A pod so small that it has no rooms: each of these would be one.
FLAT = {"dialogue", "store", "tables"}
FLAT_FILES = 8
# Rooms a channel earns: pure functions between channel-neutral messages and the platform's own.
OWN_ROOMS = {"channel-line": {"rendering", "menu"}, "channel-slack": {"rendering"}}
# Libraries that are values and functions only.
PURE = {"orjson"}
# What only the outermost rooms may know.
TECHNICAL = {
    "sqlalchemy",
    "sqlmodel",
    "asyncpg",
    "grpc",
    "aiokafka",
    "aiohttp",
    "starlette",
    "linebot",
    "slack_sdk",
    "slack_bolt",
}
PLATFORMS = {"linebot": "channel-line", "slack_sdk": "channel-slack", "slack_bolt": "channel-slack"}


def room_of(service: Service, source: Source) -> str:
    """The room a file lies in."""
    inside = source.path.relative_to(service.package)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imported(source: Source) -> set[str]:
    """Full names of modules a file imports."""
    return {f"{module}.{name}" if name else module for module, name in imports(source.tree)}


def rooms_used(service: Service, source: Source) -> set[str]:
    """Rooms of its own service that a file imports."""
    prefix = f"{service.import_name}."
    return {name.removeprefix(prefix).split(".")[0] for name in imported(source) if name.startswith(prefix)}


def outside(source: Source) -> set[str]:
    """Top-level packages a file imports that are not the standard library's."""
    return {name.split(".")[0] for name in imported(source)} - set(sys.stdlib_module_names)


def in_room(service: Service, *rooms: str) -> list[Source]:
    """The files of some rooms."""
    return [source for source in service.sources if room_of(service, source) in rooms]


@every_service
def test_every_file_is_in_a_room(service: Service) -> None:
    rooms = {room_of(service, source) for source in service.sources}
    small = set() if rooms & ROOMS else FLAT
    assert rooms <= ROOMS | MODULES | DATA | small | OWN_ROOMS.get(service.name, set())
    assert not rooms & FLAT or len(service.sources) <= FLAT_FILES, "it has earned its rooms"


@every_service
def test_domain_knows_nothing_of_the_world(service: Service) -> None:
    for source in in_room(service, "domain"):
        assert rooms_used(service, source) <= {"domain"}, source.place
        assert outside(source) <= {service.import_name, *PURE}, source.place


@every_service
def test_domain_takes_the_time_as_an_argument(service: Service) -> None:
    clocks = ("datetime.now(", "date.today(", "time.time(", "uuid4(", "uuid7(", "datetime.utcnow(")
    for source in in_room(service, "domain"):
        assert not [clock for clock in clocks if clock in source.text], source.place


@every_service
def test_use_cases_ask_ports_only(service: Service) -> None:
    for source in in_room(service, "use_cases", "ports"):
        assert not rooms_used(service, source) & {"adapters", "entrypoints", "wiring"}, source.place
        assert not outside(source) & TECHNICAL, source.place


@every_service
def test_a_channels_own_rooms_are_pure(service: Service) -> None:
    """Of libraries they may know the platform's own models."""
    for source in in_room(service, *OWN_ROOMS.get(service.name, ())):
        assert not rooms_used(service, source) & {"adapters", "entrypoints", "wiring"}, source.place
        assert not outside(source) & (TECHNICAL - set(PLATFORMS)), source.place


@every_service
def test_adapters_do_not_know_who_calls(service: Service) -> None:
    for source in in_room(service, "adapters"):
        assert not rooms_used(service, source) & {"entrypoints", "wiring", "use_cases"}, source.place


@every_service
def test_entrypoints_get_their_adapters_from_wiring(service: Service) -> None:
    """Of the adapters they may name the service's own Work, which is the type of a transaction."""
    for source in in_room(service, "entrypoints"):
        assert "wiring" not in rooms_used(service, source), source.place
        adapters = {name for name in imported(source) if name.startswith(f"{service.import_name}.adapters.")}
        assert all(".adapters.work." in name for name in adapters), f"{source.place}: {adapters}"


@every_service
def test_a_running_pod_loads_no_tables(service: Service) -> None:
    for source in service.sources:
        if source.path.name != "tables.py":
            assert not outside(source) & {"sqlmodel", "sqlalchemy"}, source.place
            assert not [name for name in imported(source) if ".tables" in name.removeprefix("machi_sdk")], source.place


def test_the_sdk_loads_tables_for_migrations_only() -> None:
    for source in python_sources():
        inside = source.path.is_relative_to(ROOT / "libs" / "common" / "src")
        if inside and source.path.name not in ("tables.py", "migrating.py", "migrating_job.py"):
            assert not outside(source) & {"sqlmodel", "sqlalchemy", "alembic"}, source.place
            loaded = [name for name in imported(source) if name.startswith(("machi_sdk.tables", "machi_sdk.migrating"))]
            assert not loaded or "testing" in source.path.parts, source.place


@every_service
def test_no_service_imports_another(service: Service) -> None:
    others = {each.import_name for each in services()} - {service.import_name}
    paths = [source for source in python_sources() if source.path.is_relative_to(service.folder)]
    for source in paths:
        assert not outside(source) & others, source.place


@every_service
def test_a_platform_is_known_to_its_channel_only(service: Service) -> None:
    for source in service.sources:
        for library in outside(source) & set(PLATFORMS):
            assert PLATFORMS[library] == service.name, source.place


def test_the_sdk_knows_no_service_and_no_platform() -> None:
    strangers = {each.import_name for each in services()} | set(PLATFORMS) | {"machi_tools", "machi_simulator"}
    for source in python_sources():
        if source.path.is_relative_to(ROOT / "libs"):
            # The SDK's tests restart real servers, which the stack's embedded ones offer.
            allowed = {"machi_tools"} if source.is_test else set()
            assert not outside(source) & (strangers - allowed), source.place


def test_services_know_no_tool() -> None:
    for service in services():
        for source in service.sources:
            assert not outside(source) & {"machi_tools", "machi_simulator"}, source.place


def test_import_contracts() -> None:
    command = [sys.executable, "-m", "tests.architecture.import_contracts"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
