"""Structured log lines as people read them in a terminal."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

LEVELS = ("debug", "info", "warning", "error", "critical")
SHORT_TRACE = 8
_STYLES = {"debug": "dim", "info": "green", "warning": "yellow", "error": "bold red", "critical": "bold red"}
_POD_STYLES = ("cyan", "magenta", "blue", "bright_cyan", "bright_magenta", "bright_blue")
_SERVERS_LEVELS = {"WARN": "warning", "WARNING": "warning", "ERROR": "error", "FATAL": "critical", "PANIC": "critical"}
_SERVERS_WORDS = re.compile(rf"[ \]]({'|'.join(_SERVERS_LEVELS)})[ :]")
_SERVERS_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+) UTC ")
_SHOWN_APART = {"timestamp", "pod", "level", "event", "trace_id"}


@dataclass(frozen=True)
class Line:
    """One line of a process's log; what is no JSON has only `raw`."""

    process: str
    raw: str
    values: dict[str, object]

    @property
    def level(self) -> str:
        """Its level; of plain text the word a server uses, else info."""
        if "level" in self.values:
            return str(self.values["level"])
        found = _SERVERS_WORDS.search(self.raw)
        return _SERVERS_LEVELS[found[1]] if found else "info"

    @property
    def moment(self) -> str:
        """When it was written, as text that sorts; empty when it does not say."""
        found = _SERVERS_TIME.match(self.raw)
        return f"{found[1]}T{found[2]}Z" if found else str(self.values.get("timestamp", ""))


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for: a level and above, a trace by the beginning of its id."""

    level: str = "debug"
    trace: str = ""

    def has(self, line: Line) -> bool:
        """Whether the line is among them."""
        if self.trace and not str(line.values.get("trace_id", "")).startswith(self.trace):
            return False
        return line.level not in LEVELS or LEVELS.index(line.level) >= LEVELS.index(self.level)


def read_line(process: str, raw: str) -> Line:
    """A line as it was written."""
    values: object = None
    if raw.startswith("{"):
        try:
            values = json.loads(raw)
        except ValueError:
            values = None
    return Line(process, raw, values if isinstance(values, dict) else {})


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Lines of several processes by time; one without a time stays behind the line before it."""
    keyed: list[tuple[str, Line]] = []
    last: dict[str, str] = {}
    for line in lines:
        last[line.process] = line.moment or last.get(line.process, "")
        keyed.append((last[line.process], line))
    return [line for _, line in sorted(keyed, key=lambda pair: pair[0])]


def shown(line: Line) -> Text:
    """Time, pod, level, event, short trace id, and the rest as key=value."""
    if not line.values:
        return Text.assemble((f"{line.process:<14}", "dim"), " ", line.raw)
    pod = str(line.values.get("pod", line.process))
    trace = str(line.values.get("trace_id", ""))[:SHORT_TRACE]
    return Text.assemble(
        (_time(line.moment), "dim"),
        " ",
        (f"{pod:<14}", _POD_STYLES[sum(pod.encode()) % len(_POD_STYLES)]),
        (f" {line.level:<8}", _STYLES.get(line.level, "")),
        (str(line.values.get("event", "")), "bold"),
        (f" {trace}" if trace else "", "dim"),
        *_pairs(line.values),
    )


def _pairs(values: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name not in _SHOWN_APART:
            yield f" {name}=", "dim"
            yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), ""


def _time(moment: str) -> str:
    """Local day and time with milliseconds."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%m-%d %H:%M:%S.%f")[:-3]
    except ValueError:
        return f"{moment[:18]:<18}"
