"""The way of a person's last message: the webhook's tries, then what each pod did with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from machi_simulator.courier import Attempt, Delivery
from machi_simulator.traces.store import Span
from machi_simulator.world import World

MOST = 80
EARLY = 0.05
STEPS = tuple(
    (re.compile(pattern), step)
    for pattern, step in (
        (r" webhook$", "webhook"),
        (r" inbound$", "inbound"),
        (r"/Resolve$", "resolve"),
        (r"/Turn$", "turn"),
        (r"^show card$", "card"),
        (r" delivery$", "delivery"),
        (r"\.inbound process$", "stored"),
        (r" (?:process|replay)$", "fact"),
        (r"^\w+ reply$", "reply"),
        (r"^\w+ push$", "push"),
        (r"/", "rpc"),
        (r"^(?:line|slack) ", "call"),
    )
)


@dataclass(frozen=True)
class Hop:
    """One step: when it began after the first, how long it took, and where its stroke lies, in per cent."""

    step: str
    pod: str
    detail: str
    after_ms: float
    took_ms: float
    left: float
    width: float
    failed: bool


@dataclass(frozen=True)
class Trail:
    """The last thing a person sent, and its hops; `listening` means that pods send spans here."""

    owner: str
    kind: str = ""
    at: float = 0.0
    listening: bool = False
    hops: tuple[Hop, ...] = ()


class Trails:
    """Makes trails of the webhooks that were sent and the spans that came."""

    def __init__(self, world: World) -> None:
        self._deliveries = world.courier.deliveries
        self._clock = world.clock
        self._traces = world.traces
        self._expected = bool(world.config.simulator_traces_address) and world.config.simulator_traces != "off"

    def last(self, user: str) -> Trail:
        """The trail of the last thing a person sent."""
        delivery = next((each for each in self._deliveries.newest() if each.owner == user), None)
        listening = self._expected or self._traces.heard
        if delivery is None:
            return Trail(user, listening=listening)
        begun = delivery.attempts[0].at if delivery.attempts else self._clock.now()
        spans = [*self._tries(delivery), *self._told(delivery)]
        return Trail(user, delivery.kind, begun, listening, tuple(_hops(spans)))

    def _tries(self, delivery: Delivery) -> Iterator[Span]:
        for attempt in delivery.attempts:
            begin = attempt.at - self._clock.skipped
            failed = not 200 <= attempt.status < 300
            name = f"sent {attempt.error or attempt.status}"
            yield Span("", delivery.platform, name, begin, begin + attempt.took, failed)

    def _told(self, delivery: Delivery) -> list[Span]:
        found = self._traces.of_event(delivery.id)
        if found or not delivery.attempts:
            return found
        last: Attempt = delivery.attempts[-1]
        begin = last.at - self._clock.skipped
        return self._traces.of_door(delivery.platform, begin - EARLY, begin + last.took)


def _hops(spans: list[Span]) -> Iterator[Hop]:
    ordered = sorted([*spans, *_kafka(spans)], key=lambda span: span.begin)[:MOST]
    if not ordered:
        return
    start = ordered[0].begin
    whole = max(max(span.end for span in ordered) - start, 1e-6)
    for span in ordered:
        yield Hop(
            step=_step(span),
            pod=span.pod,
            detail=_detail(span),
            after_ms=(span.begin - start) * 1000,
            took_ms=(span.end - span.begin) * 1000,
            left=min(100 * (span.begin - start) / whole, 99.0),
            width=100 * max(0.0, span.end - span.begin) / whole,
            failed=span.failed,
        )


def _kafka(spans: list[Span]) -> Iterator[Span]:
    """Between the answered webhook and the consumer that took its record up, the record was in Kafka."""
    door = next((span for span in spans if _step(span) == "webhook"), None)
    taken = next((span for span in spans if door and _step(span) == "stored" and span.begin >= door.begin), None)
    if door is not None and taken is not None:
        yield Span(door.trace, "Kafka", "kafka", min(door.end, taken.begin), taken.begin)


def _step(span: Span) -> str:
    if not span.trace:
        return "sent"
    if span.name == "kafka":
        return "kafka"
    return next((step for pattern, step in STEPS if pattern.search(span.name)), "other")


def _detail(span: Span) -> str:
    """What tells hops of the same step apart: the call's name, the consumer's, the webhook's answer."""
    step = _step(span)
    if step in ("rpc", "fact", "call", "other"):
        return span.name.rpartition("/")[2].removesuffix(" process")
    return span.name.removeprefix("sent ") if step == "sent" else ""
