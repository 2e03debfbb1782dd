"""One name everywhere: folder, manifest, package, distribution, consumer group."""

import tomllib
from pathlib import Path
from typing import get_args

import pytest

from machi_identity.domain.staff import ROLES
from machi_tools.stack.city_file import Role
from tests.architecture.house import POD_ROOMS, ROOT, Service, read_yaml, services

every_service = pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
PLACES = ("README.md", "service.yaml", "pyproject.toml", "migrations/env.py", "tests")
MAIN_LINES = 30


def distribution(folder: Path) -> tuple[str, list[str]]:
    """The name and packages a folder's pyproject.toml gives."""
    content = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    packages = content["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return str(content["project"]["name"]), [str(package) for package in packages]


def test_every_service_folder_has_a_manifest() -> None:
    folders = [path for room in POD_ROOMS for path in sorted((ROOT / room).iterdir()) if (path / "src").is_dir()]
    assert folders == [service.folder for service in services()]
    assert len({folder.name for folder in folders}) == len(folders)


def test_a_chart_has_its_pods_name() -> None:
    """The library chart and the umbrella are of no pod."""
    charts = {path.parent.name: read_yaml(path) for path in (ROOT / "deploy" / "helm").glob("*/Chart.yaml")}
    assert charts
    assert set(charts) - {"machi-service", "machi"} <= {service.name for service in services()}
    for name, chart in charts.items():
        assert (chart["name"], chart["apiVersion"]) == (name, "v2")
        assert read_yaml(ROOT / "deploy" / "helm" / name / "values.yaml")


def test_a_citys_file_and_the_directory_know_the_same_roles() -> None:
    assert frozenset(get_args(Role)) == ROLES


@every_service
def test_name_of_folder_manifest_and_package(service: Service) -> None:
    assert service.manifest.name == service.name
    assert [path.name for path in (service.folder / "src").iterdir() if (path / "__init__.py").exists()] == [
        service.import_name
    ]
    assert distribution(service.folder) == (f"machi-{service.name}", [f"src/{service.import_name}"])


@every_service
def test_consumer_groups_start_with_the_name(service: Service) -> None:
    groups = [entry.group for entry in service.manifest.consumes]
    assert all(group.startswith(f"{service.name}.") for group in groups), groups
    assert len(set(groups)) == len(groups)


@every_service
def test_has_all_its_parts(service: Service) -> None:
    missing = [place for place in PLACES if not (service.folder / place).exists()]
    missing += [place for place in ("__main__.py", "wiring.py", "py.typed") if not (service.package / place).exists()]
    assert not missing
    assert list((service.folder / "migrations" / "versions").glob("0001_*.py"))
    assert list((service.folder / "tests").rglob("test_*.py"))


@every_service
def test_main_only_assembles_and_runs(service: Service) -> None:
    main = service.package / "__main__.py"
    assert len(main.read_text(encoding="utf-8").splitlines()) <= MAIN_LINES


@every_service
def test_readme_tells_what_it_does_and_how_to_test_it(service: Service) -> None:
    text = (service.folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# "), "begins with a title"
    assert len(text.splitlines()) >= 10, "says what it does, what it keeps, what it needs"
