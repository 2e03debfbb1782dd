"""`machi outbox`, `topics`, `tenants`: what is where, for operators; never anybody's words or addresses."""

import asyncio
from dataclasses import asdict, dataclass

import typer
from rich.table import Table

from machi.identity.v1 import staff_service_pb2 as staff_pb2
from machi_tools import console
from machi_tools.operator import asked
from machi_tools.options import Json
from machi_tools.places import ask_each, ask_registry, place
from machi_tools.stack import city
from machi_tools.topic_view import Reader, Shape, TopicView


@dataclass(frozen=True)
class Waiting:
    """The events that wait for one topic; the topic whose event leaves next comes first."""

    topic: str
    events: int
    keys: int
    oldest_seconds: float


def outbox(context: typer.Context, as_json: Json = False) -> None:
    """Show what waits in each pod's outbox to leave for Kafka: how many, how old, which topics next."""
    found = asyncio.run(ask_each(place(context), Waiting, "outbox"))
    if as_json:
        console.print_json([_outbox_as_json(pod, topics) for pod, topics in found.by_pod.items()])
    else:
        table = Table("pod", "waiting", "oldest", "next", box=None)
        for pod, waiting in found.by_pod.items():
            oldest = f"{_oldest(waiting):.1f} s" if waiting else "-"
            following = ", ".join(f"{topic.topic} ×{topic.events}" for topic in waiting) or "-"
            table.add_row(pod, str(sum(topic.events for topic in waiting)), oldest, following)
        console.out.print(table)
    console.end(found.silent)


def topics(context: typer.Context, as_json: Json = False) -> None:
    """Show every topic as it is beside what is wanted, with its readers' lag; exit code 1 when one differs."""
    found = asyncio.run(place(context).topics())
    if as_json:
        console.print_json([_topic_as_json(view) for view in found])
    else:
        _print_topics(found)
    raise typer.Exit(1 if any(view.differences for view in found) else 0)


def tenants(context: typer.Context, as_json: Json = False) -> None:
    """List the municipalities of this release, with their languages, time zone, desks, and staff."""
    found = asked(ask_registry(place(context), city.list_tenants))
    if as_json:
        console.print_json([_tenant_as_json(each) for each in found])
        return
    table = Table("tenant", "name", "language", "languages", "time zone", "desks", "staff", box=None)
    for each in found:
        name = each.names.get(each.default_language, "not put yet: machi city put")
        numbers = (str(each.desks), str(each.staff))
        offered = ", ".join(each.languages) or "all"
        table.add_row(each.tenant_id, name, each.default_language, offered, each.time_zone, *numbers)
    console.out.print(table)


def _oldest(waiting: list[Waiting]) -> float:
    return max((topic.oldest_seconds for topic in waiting), default=0.0)


def _outbox_as_json(pod: str, waiting: list[Waiting]) -> dict[str, object]:
    topics = [
        {"topic": row.topic, "waiting": row.events, "keys": row.keys, "oldest_seconds": row.oldest_seconds}
        for row in waiting
    ]
    total = sum(topic.events for topic in waiting)
    return {"pod": pod, "waiting": total, "oldest_seconds": _oldest(waiting), "topics": topics}


def _tenant_as_json(tenant: staff_pb2.Tenant) -> dict[str, object]:
    return {
        "tenant": tenant.tenant_id,
        "names": dict(sorted(tenant.names.items())),
        "default_language": tenant.default_language,
        "time_zone": tenant.time_zone,
        "languages": list(tenant.languages),
        "desks": tenant.desks,
        "staff": tenant.staff,
    }


def _topic_as_json(view: TopicView) -> dict[str, object]:
    return {
        "topic": view.name,
        "class": view.kind,
        "owner": view.owner,
        "wanted": asdict(view.wanted) if view.wanted else None,
        "found": asdict(view.found) if view.found else None,
        "differences": view.differences,
        "consumers": [asdict(reader) for reader in view.readers],
    }


def _print_topics(found: list[TopicView]) -> None:
    table = Table("topic", "class", "owner", "partitions", "kept", "readers (records behind)", "", box=None)
    for view in found:
        shape = view.found or view.wanted
        readers = ", ".join(_reader(reader) for reader in view.readers) or "-"
        partitions = str(shape.partitions) if shape else "-"
        remarks = f"✗ {', '.join(view.differences)}" if view.differences else ""
        table.add_row(view.name, view.kind, view.owner, partitions, _kept(shape), readers, remarks)
    console.out.print(table)


def _reader(reader: Reader) -> str:
    return f"{reader.group} ({reader.lag})" if reader.group else f"{reader.pod} (whole)"


def _kept(shape: Shape | None) -> str:
    if shape is None:
        return "-"
    if shape.retention_hours is None:
        return "not shown"
    if shape.retention_hours >= 0:
        return f"{shape.retention_hours:g} h"
    return "last of each key" if "compact" in (shape.cleanup or "") else "for ever"
