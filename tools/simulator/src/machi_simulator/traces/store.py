"""The last traces the pods sent: names, pods and times of spans, nothing else."""

from collections import OrderedDict, deque
from dataclasses import dataclass

MOST_TRACES = 300
MOST_SPANS = 200
MOST_EVENTS = 2_000


@dataclass(frozen=True)
class Span:
    """One piece of work of one pod; times in seconds since the epoch. `event`: the webhook event it took up, if any."""

    trace: str
    pod: str
    name: str
    begin: float
    end: float
    failed: bool = False
    event: str = ""


class Traces:
    """Bounded: the oldest trace goes first, and a long trace loses its later spans."""

    def __init__(self) -> None:
        self._spans: OrderedDict[str, list[Span]] = OrderedDict()
        self._by_event: OrderedDict[str, str] = OrderedDict()
        self._doors: deque[Span] = deque(maxlen=MOST_TRACES)

    def add(self, span: Span) -> None:
        """Keep a span."""
        spans = self._spans.setdefault(span.trace, [])
        if len(spans) < MOST_SPANS:
            spans.append(span)
        while len(self._spans) > MOST_TRACES:
            self._spans.popitem(last=False)
        if span.name.endswith(" webhook"):
            self._doors.append(span)
        if span.event:
            self._by_event.setdefault(span.event, span.trace)
        while len(self._by_event) > MOST_EVENTS:
            self._by_event.popitem(last=False)

    @property
    def heard(self) -> bool:
        """Whether any pod has sent a span."""
        return bool(self._spans)

    def of_event(self, event: str) -> list[Span]:
        """The trace in which a pod took up this event."""
        return self._read(self._by_event.get(event, ""))

    def of_door(self, platform: str, begin: float, end: float) -> list[Span]:
        """The one trace that a webhook of this platform began in this time; nothing where it might be another's."""
        found = {
            door.trace
            for door in list(self._doors)
            if door.name.startswith(f"{platform} ") and begin <= door.begin <= end
        }
        return self._read(found.pop()) if len(found) == 1 else []

    def _read(self, trace: str) -> list[Span]:
        return sorted(self._spans.get(trace, []), key=lambda span: span.begin)
