"""Prometheus rules that record what the manifests' `slo` promise: requests, failures, and how fast failures burn."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from contracts import ROOT
from machi_sdk.manifest import Manifest, load_manifest

HOUSE = ROOT.parent
PLACE = HOUSE / "deploy" / "helm" / "machi" / "files" / "rules" / "slo.yaml"
_WHO = "namespace, machi_release, job"
_RELEASE = 'machi_release=~".+"'
_BAD_CODES = "CANCELLED|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|UNKNOWN"
_LATENCY = re.compile(r"(?P<what>\w+)_p99_milliseconds")
_WITHIN = re.compile(r"(?P<what>\w+)_within_(?P<seconds>\d+)_seconds_percent")
# What is timed, by the promise's name; every other one is the rpc whose name begins so.
_TIMED: Mapping[str, tuple[str, str]] = {
    # A button that opens a form waits for the platform itself.
    "webhook": ("machi_http_server_seconds", 'path!~".*/interactivity"'),
    "answered": ("machi_inbound_seconds", ""),
    "card_shown": ("machi_slack_card_seconds", ""),
    "fact_to_request": ("machi_handler_seconds", r'consumer=~".+\\.facts"'),
}


@dataclass(frozen=True)
class Promise:
    """One entry of a manifest's `slo` as Prometheus judges it; `budget` is the share that may fail."""

    pod: str
    name: str
    requests: str
    failures: str
    budget: float


def promises(manifest: Manifest) -> Iterator[Promise]:
    """A manifest's promises; ValueError for one that nothing measures."""
    for name, wanted in manifest.slo.items():
        latency, within = _LATENCY.fullmatch(name), _WITHIN.fullmatch(name)
        if latency:
            timed = _timed(manifest.name, latency["what"], float(wanted) / 1000)
            yield Promise(manifest.name, name, *timed, 0.01)
        elif within:
            timed = _timed(manifest.name, within["what"], float(within["seconds"]))
            yield Promise(manifest.name, name, *timed, round(1 - float(wanted) / 100, 6))
        elif name == "availability_percent":
            yield Promise(manifest.name, name, *_answered(manifest.name), round(1 - float(wanted) / 100, 6))
        else:
            raise ValueError(f"{manifest.name}: no metric judges slo {name!r}")


def _timed(pod: str, what: str, seconds: float) -> tuple[str, str]:
    """All that was timed, and what took longer."""
    begin = "".join(word.capitalize() for word in what.split("_"))
    metric, only = _TIMED.get(what, ("machi_rpc_server_seconds", f'method=~"{begin}.*"'))
    those = ", ".join(filter(None, (_RELEASE, f'job="{pod}"', only)))
    total = _rate(f"{metric}_count{{{those}}}")
    in_time = f'{metric}_bucket{{{those}, le="{seconds}"}}'
    return total, f"{total} - {_rate(in_time)}"


def _answered(pod: str) -> tuple[str, str]:
    """All rpcs and HTTP requests, and those that the pod failed to answer."""
    those = f'{_RELEASE}, job="{pod}"'
    rpc, http = f"machi_rpc_server_seconds_count{{{those}", f"machi_http_server_seconds_count{{{those}"
    total = _either(f"{rpc}}}", f"{http}}}")
    failed = _either(f'{rpc}, code=~"{_BAD_CODES}"}}', f'{http}, status=~"5.."}}')
    return total, f"{failed} or 0 * ({total})"


def _either(first: str, second: str) -> str:
    return f"sum by ({_WHO}) (rate({first}[5m]) or rate({second}[5m]))"


def _rate(series: str) -> str:
    return f"sum by ({_WHO}) (rate({series}[5m]))"


def _rules(promise: Promise) -> Iterator[dict[str, object]]:
    failures = f'machi:slo_failures:rate5m{{{_RELEASE}, job="{promise.pod}", slo="{promise.name}"}}'
    recorded = {
        "machi:slo_requests:rate5m": promise.requests,
        "machi:slo_failures:rate5m": promise.failures,
        "machi:slo_burn:rate5m": f"{failures} / {promise.budget}",
    }
    for record, expression in recorded.items():
        yield {"record": record, "expr": expression, "labels": {"job": promise.pod, "slo": promise.name}}


def texts() -> dict[Path, str]:
    """The file of rules, by place."""
    paths = sorted(HOUSE.glob("services/*/service.yaml"))
    kept = [promise for path in paths for promise in promises(load_manifest(path))]
    rules = [rule for promise in kept for rule in _rules(promise)]
    groups = {"groups": [{"name": "machi-slo", "interval": "30s", "rules": rules}]}
    head = "# Made by `make gen` from the manifests' `slo`; judged by slo-alerts.yaml.\n"
    return {PLACE: head + yaml.safe_dump(groups, sort_keys=False, width=1000)}
