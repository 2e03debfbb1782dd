"""Prometheus metrics whose names, labels, and meanings are declared before use."""

from dataclasses import dataclass
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

Kind = Literal["counter", "gauge", "histogram"]
# What a manifest's `slo` promises has to be one of these: only then can it be judged.
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Declared:
    """One metric: units are in the name (`_seconds`, `_total`)."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    about: str


_registry: dict[str, tuple[Declared, Counter | Gauge | Histogram]] = {}


def declare(name: str, kind: Kind, labels: tuple[str, ...], about: str) -> None:
    """Make a metric known; the same declaration twice is harmless, another one is an error."""
    entry = Declared(name, kind, labels, about)
    if name in _registry:
        if _registry[name][0] != entry:
            raise ValueError(f"metric {name} is declared twice, differently")
        return
    metric: Counter | Gauge | Histogram
    if kind == "counter":
        metric = Counter(name, about, labels)
    elif kind == "gauge":
        metric = Gauge(name, about, labels)
    else:
        metric = Histogram(name, about, labels, buckets=BUCKETS)
    _registry[name] = (entry, metric)


def declared() -> list[Declared]:
    """Every metric declared in this process."""
    return [entry for entry, _ in _registry.values()]


def counter(name: str) -> Counter:
    """A declared counter; KeyError when nobody declared it."""
    metric = _registry[name][1]
    assert isinstance(metric, Counter)
    return metric


def gauge(name: str) -> Gauge:
    """A declared gauge; KeyError when nobody declared it."""
    metric = _registry[name][1]
    assert isinstance(metric, Gauge)
    return metric


def histogram(name: str) -> Histogram:
    """A declared histogram; KeyError when nobody declared it."""
    metric = _registry[name][1]
    assert isinstance(metric, Histogram)
    return metric


declare("machi_trouble", "gauge", ("check",), "1 while this check keeps the pod from being ready")
declare("machi_installed", "gauge", ("installed",), "1 for each pod of the registry, as this pod has read it")
declare("machi_http_server_seconds", "histogram", ("path", "status"), "Time to answer an HTTP request")
declare("machi_rpc_server_seconds", "histogram", ("service", "method", "code"), "Time to answer an rpc")
declare("machi_rpc_client_seconds", "histogram", ("service", "method", "code"), "Time an rpc to another pod took")
declare(
    "machi_consumed_total", "counter", ("consumer", "verdict"), "Records by what became of them: ack, duplicate, park"
)
declare("machi_handler_seconds", "histogram", ("consumer",), "Time to handle one batch of records, commit included")
declare("machi_consumer_lag", "gauge", ("consumer",), "Records behind the end of the topic, summed over partitions")
declare("machi_consumer_unread_seconds", "gauge", ("consumer",), "Age of the oldest record fetched and not handled")
declare("machi_consumer_retries_total", "counter", ("consumer",), "Batches that were put off and tried again")
declare("machi_parked_total", "gauge", ("consumer",), "Records parked now")
declare("machi_outbox_age_seconds", "gauge", (), "Age of the oldest event not yet on Kafka")
declare("machi_outbox_relayed_total", "counter", ("topic",), "Events the relay handed to Kafka")
declare("machi_turn_seconds", "histogram", ("input", "outcome"), "Time to answer one dialogue turn")
declare("machi_rekeyed_total", "counter", ("heard_by",), "Merged citizens whose rows moved here")
declare("machi_inbound_seconds", "histogram", ("channel", "outcome"), "Time from a person's message to its answer")
declare("machi_inbound_open", "gauge", ("state",), "Inbound events not finished, by state")
declare("machi_waiting", "gauge", ("what", "reason"), "What was tried in vain and waits, by the reason of the last try")
declare("machi_webhooks_total", "counter", ("channel", "outcome"), "Webhook requests and events by what became of them")
declare("machi_deliveries_total", "counter", ("channel", "state", "reason"), "Deliveries by what became of them")
declare("machi_channel_requests_seconds", "histogram", ("channel", "call", "outcome"), "Requests to a platform's API")
