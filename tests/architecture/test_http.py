"""The HTTP surface is described where its code lies: each route of a pod, no more and no less."""

import ast

import pytest

from tests.architecture.house import ROOT, Service, calls, constants, literal, python_sources, read_yaml, services

SHARED = ROOT / "libs" / "common"
every_service = pytest.mark.parametrize("service", services(), ids=lambda service: service.name)


def spelled(path: ast.expr, known: dict[str, str]) -> str | None:
    """A path in code: a text, or one put together from constants."""
    if isinstance(path, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in path.values]
        return "".join(literal(part, known) or "?" for part in parts)
    return literal(path, known)


def described(folder: str) -> set[str]:
    """The paths of a folder's openapi.yaml; none without one."""
    path = ROOT / folder / "openapi.yaml"
    paths = read_yaml(path)["paths"] if path.is_file() else {}
    assert isinstance(paths, dict)
    return set(paths)


@every_service
def test_every_route_of_a_pod_is_described(service: Service) -> None:
    known = constants(service.sources)
    wiring = next(source for source in service.sources if source.path.name == "wiring.py")
    routes = {spelled(call.args[0], known) for call in calls(wiring.tree, "route")}
    assert described(str(service.folder.relative_to(ROOT))) == routes


def test_what_every_pod_answers_is_described() -> None:
    server = next(source for source in python_sources() if source.path == SHARED / "src" / "machi_sdk" / "http.py")
    routes = {spelled(call.args[0], {}) for call in calls(server.tree, "Route")}
    assert described("libs/common") == routes - {None}
