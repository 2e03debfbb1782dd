"""What the chart ships to see a city by: rules and boards, and the series that they ask for."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

import yaml

from tests.architecture.house import ROOT
from tests.architecture.test_telemetry import declared

CHART = ROOT / "deploy" / "helm" / "machi"
RULES = sorted((CHART / "files" / "rules").glob("*.yaml"))
BOARDS = sorted((CHART / "files" / "boards").glob("*.json"))
RUNBOOKS = ROOT / "docs" / "runbooks"
# What Prometheus adds to each series of a pod, by the chart's monitors.
TARGET_LABELS = {"namespace", "machi_release", "job", "pod", "le"}
SERIES = re.compile(r"\b(?P<name>(?:machi|identity)[_:][\w:]+)(?:\{(?P<labels>[^}]*)\})?")
MATCHER = re.compile(r'(?P<label>\w+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"')
GROUPING = re.compile(r"\b(?:by|on|without)\s*\([^)]*\)")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


class Rule(TypedDict, total=False):
    """One rule as Prometheus reads it."""

    alert: str
    record: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(frozen=True)
class Asked:
    """A series that an expression asks for."""

    place: str
    name: str
    matchers: str

    @property
    def labels(self) -> set[str]:
        """Labels it is chosen by."""
        return {match["label"] for match in MATCHER.finditer(self.matchers)}

    @property
    def metric(self) -> str:
        """The declared metric that it is, or is a part of."""
        return re.sub(r"_(bucket|count|sum)$", "", self.name) if self.name not in registry() else self.name


@cache
def registry() -> dict[str, tuple[str, set[str]]]:
    """Declared metrics: kind and labels."""
    return {name: (kind, set(ast.literal_eval(call.args[2]))) for name, (kind, _, call) in declared().items()}


def rules() -> Iterator[tuple[Path, Rule]]:
    """Every rule with its file."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield path, rule


def alerts() -> dict[str, Rule]:
    """Rules that alert, by name."""
    return {rule["alert"]: rule for _, rule in rules() if "alert" in rule}


def queries() -> Iterator[tuple[str, str]]:
    """Each query of each panel and variable, with its place."""
    for path in BOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield f"{path.name}: {panel['title']}", target["expr"]


def asked() -> list[Asked]:
    """Every series asked for by a rule or a panel."""
    told = [(f"{path.name}: {rule.get('alert') or rule['record']}", rule["expr"]) for path, rule in rules()]
    return [
        Asked(place, match["name"], match["labels"] or "")
        for place, expression in [*told, *queries()]
        for match in SERIES.finditer(GROUPING.sub("", expression))
        if match["name"] not in TARGET_LABELS and not _inside_quotes(expression, match["name"])
    ]


def _inside_quotes(expression: str, name: str) -> bool:
    return name not in QUOTED.sub('""', expression)
