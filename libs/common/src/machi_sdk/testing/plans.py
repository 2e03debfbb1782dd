"""What PostgreSQL did for a statement."""

import json
from collections.abc import Iterator


def rows_read(explained: str, table: str) -> list[float]:
    """Rows that each node of EXPLAIN (ANALYZE, FORMAT JSON) took from the table, those it threw away included."""
    return [
        (_number(node, "Actual Rows") + _number(node, "Rows Removed by Filter")) * _number(node, "Actual Loops")
        for node in _nodes(json.loads(explained)[0]["Plan"])
        if node.get("Relation Name") == table
    ]


def _nodes(plan: dict[str, object]) -> Iterator[dict[str, object]]:
    yield plan
    below = plan.get("Plans", [])
    assert isinstance(below, list)
    for each in below:
        yield from _nodes(each)


def _number(node: dict[str, object], name: str) -> float:
    return float(str(node.get(name, 0)))
