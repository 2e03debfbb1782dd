"""Grafana boards, made from the short descriptions in deploy/boards: rows of panels, each with unit and meaning."""

import json
from pathlib import Path
from typing import TypedDict

import yaml

from contracts import ROOT

SOURCES = ROOT.parent / "deploy" / "boards"
TARGET = ROOT.parent / "deploy" / "helm" / "machi" / "files" / "boards"
_COLUMNS = 24
_RELEASE = 'machi_release=~"$release"'
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLOURS = ("green", "orange", "red")


class Panel(TypedDict, total=False):
    """A panel: `show` is a kind of Grafana's; `limits` are where it turns orange and red; `queries` by legend."""

    title: str
    about: str
    show: str
    unit: str
    width: int
    limits: list[float]
    queries: dict[str, str]


class Board(TypedDict):
    """A board: rows of panels by heading."""

    title: str
    about: str
    rows: dict[str, list[Panel]]


def texts() -> dict[Path, str]:
    """Every board as Grafana reads it, by place."""
    made = {}
    for path in sorted(SOURCES.glob("*.yaml")):
        board: Board = yaml.safe_load(path.read_text(encoding="utf-8"))
        document = json.dumps(_board(path.stem, board), indent=1, ensure_ascii=False)
        made[TARGET / f"{path.stem}.json"] = document + "\n"
    return made


def _board(name: str, board: Board) -> dict[str, object]:
    return {
        "uid": f"machi-{name}",
        "title": board["title"],
        "description": board["about"],
        "tags": ["machi"],
        "schemaVersion": 39,
        "editable": False,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "links": [{"type": "dashboards", "title": "Machi", "tags": ["machi"], "includeVars": True, "keepTime": True}],
        "templating": {"list": [_datasource(), _release()]},
        "panels": _panels(board["rows"]),
    }


def _datasource() -> dict[str, object]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _release() -> dict[str, object]:
    return {
        "name": "release",
        "label": "Release",
        "type": "query",
        "datasource": _DATASOURCE,
        "query": "label_values(machi_installed, machi_release)",
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
        "sort": 1,
    }


def _panels(rows: dict[str, list[Panel]]) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    top = 0
    for heading, panels in rows.items():
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        made.append({"id": len(made) + 1, "type": "row", "title": heading, "collapsed": False, "gridPos": place})
        top += 1
        left = 0
        height = 8 if any(_shows(panel) in ("timeseries", "table") for panel in panels) else 5
        for panel in panels:
            width = panel.get("width", _COLUMNS // len(panels))
            place = {"x": left, "y": top, "w": width, "h": height}
            made.append({"id": len(made) + 1, **_panel(panel), "gridPos": place})
            left += width
        top += height
    return made


def _shows(panel: Panel) -> str:
    return panel.get("show", "timeseries")


def _panel(panel: Panel) -> dict[str, object]:
    kind = _shows(panel)
    steps = [None, *panel.get("limits", [])]
    colours = [{"color": colour, "value": step} for colour, step in zip(_COLOURS, steps, strict=False)]
    defaults: dict[str, object] = {
        "unit": panel["unit"],
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": colours},
        "color": {"mode": "palette-classic" if kind == "timeseries" else "thresholds"},
    }
    if kind == "timeseries" and "limits" in panel:
        defaults["custom"] = {"thresholdsStyle": {"mode": "line"}}
    return {
        "type": kind,
        "title": panel["title"],
        "description": panel["about"],
        "datasource": _DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(kind),
        "targets": [
            _target(number, legend, query, kind) for number, (legend, query) in enumerate(panel["queries"].items())
        ],
    }


def _options(kind: str) -> dict[str, object]:
    if kind == "timeseries":
        legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "table":
        return {"showHeader": True}
    return {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}, "orientation": "auto"}


def _target(number: int, legend: str, query: str, kind: str) -> dict[str, object]:
    now = kind != "timeseries"
    return {
        "refId": chr(ord("A") + number),
        "datasource": _DATASOURCE,
        "expr": query.replace("RELEASE", _RELEASE),
        "legendFormat": legend,
        "instant": now,
        "range": not now,
        "format": "table" if kind == "table" else "time_series",
    }
