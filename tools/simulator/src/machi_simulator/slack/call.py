"""One call of a Web API method."""

from dataclasses import dataclass
from typing import TypeVar

from machi_simulator.jsontree import Json
from machi_simulator.slack.errors import SlackError

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """The method and its arguments, whatever encoding they came in."""

    method: str
    args: Json


def flag(args: Json, key: str) -> bool:
    """A boolean, also as a form writes it."""
    return args.get(key) in (True, "true", "1", 1)


def page(rows: list[T], args: Json, most: int = 1000) -> tuple[list[T], str]:
    """One page of rows and the cursor of the next ("" at the end). Raises invalid_cursor, invalid_limit."""
    limit = args.get("limit") or 100
    if not str(limit).isdecimal() or not 1 <= int(str(limit)) <= most:
        raise SlackError("invalid_limit")
    cursor = str(args.get("cursor") or "")
    start = cursor.removeprefix("from:") or "0"
    if (cursor and not cursor.startswith("from:")) or not start.isdecimal():
        raise SlackError("invalid_cursor")
    end = int(start) + int(str(limit))
    return rows[int(start) : end], f"from:{end}" if end < len(rows) else ""
