"""`machi outbox`, `topics`, `tenants`: what is where, for operators; never anybody's words or addresses."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from machi.identity.v1 import staff_service_pb2 as staff_pb2
from machi_tools import console
from machi_tools.operator import asked, operator_of, running
from machi_tools.rows import Rows
from machi_tools.stack import city
from machi_tools.stack.layout import find_layout
from machi_tools.topic_view import Reader, Shape, TopicView, look_at_topics
from machi_tools.waiting import waiting_in

Json = Annotated[bool, typer.Option("--json", help="One JSON document for scripts.")]


def outbox(as_json: Json = False) -> None:
    """Show what waits in each pod's outbox to leave for Kafka: how many, how old, which topics next."""
    found = asyncio.run(Rows(find_layout()).each(waiting_in))
    if as_json:
        console.print_json([{"pod": pod, **asdict(each)} for pod, each in found.items()])
        return
    table = Table("pod", "waiting", "oldest", "next", box=None)
    for pod, each in found.items():
        topics = ", ".join(f"{topic.topic} ×{topic.waiting}" for topic in each.topics)
        oldest = f"{each.oldest_seconds:.1f} s" if each.waiting else "-"
        table.add_row(pod, str(each.waiting), oldest, topics or "-")
    console.out.print(table)


def topics(as_json: Json = False) -> None:
    """Show every topic as it is beside what is wanted, with its readers' lag; exit code 1 when one differs."""
    layout = find_layout()
    found = asyncio.run(look_at_topics(layout, running(layout)))
    if as_json:
        console.print_json([_topic_as_json(view) for view in found])
    else:
        _print_topics(found)
    raise typer.Exit(1 if any(view.differences for view in found) else 0)


def tenants(as_json: Json = False) -> None:
    """List the municipalities of this release, with their languages, time zone, desks, and staff."""
    found = asked(city.list_tenants(operator_of(find_layout())))
    if as_json:
        console.print_json([_tenant_as_json(each) for each in found])
        return
    table = Table("tenant", "name", "language", "languages", "time zone", "desks", "staff", box=None)
    for each in found:
        name = each.names.get(each.default_language, "not put yet: machi seed")
        numbers = (str(each.desks), str(each.staff))
        offered = ", ".join(each.languages) or "all"
        table.add_row(each.tenant_id, name, each.default_language, offered, each.time_zone, *numbers)
    console.out.print(table)


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
    if shape.retention_hours >= 0:
        return f"{shape.retention_hours:g} h"
    return "last of each key" if "compact" in shape.cleanup else "for ever"
