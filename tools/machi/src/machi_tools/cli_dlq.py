"""`machi dlq`: what an operator does with parked records."""

import asyncio
from collections.abc import Collection
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from machi_sdk import parking
from machi_tools import console
from machi_tools.completion import running_pods
from machi_tools.errors import StackError
from machi_tools.rows import Connection, Rows
from machi_tools.stack.layout import find_layout

REPLAY_SECONDS = 10.0
LOOK_SECONDS = 0.2

Json = Annotated[bool, typer.Option("--json", help="One JSON document for scripts.")]
Pod = Annotated[str, typer.Argument(help="The pod whose database holds them.", autocompletion=running_pods)]
dlq = typer.Typer(no_args_is_help=True, help="Records that could not be handled, parked in their pod's database.")


@dlq.command("list")
def dlq_list(as_json: Json = False) -> None:
    """List every pod's parked records, oldest first."""
    found = asyncio.run(Rows(find_layout()).each(parking.list_parked))
    rows = [(pod, record) for pod, records in found.items() for record in records]
    if as_json:
        console.print_json([{"pod": pod, **asdict(record)} for pod, record in rows])
        return
    table = Table("pod", "id", "type", "reason", "parked at", "consumer", box=None)
    for pod, record in rows:
        at = record.parked_at.isoformat(sep=" ", timespec="seconds")
        table.add_row(pod, str(record.id), record.type or "-", record.reason, at, record.consumer)
    console.out.print(table if rows else "nothing is parked")


@dlq.command("show")
def dlq_show(pod: Pod, identifier: int) -> None:
    """Show one parked record's place, reason and headers; never its content."""

    async def read() -> dict[str, object] | None:
        async with Rows(find_layout()).connection(pod) as connection:
            return await parking.show_parked(connection, identifier)

    found = asyncio.run(read())
    if found is None:
        raise StackError(f"{pod} has no parked record {identifier}", "machi dlq list")
    console.print_json(found)


@dlq.command("replay")
def dlq_replay(pod: Pod, identifiers: Annotated[list[int] | None, typer.Argument()] = None) -> None:
    """Let a pod handle parked records again, those named or all of that pod, and say what became of each."""
    outcomes = asyncio.run(_replay(pod, identifiers or []))
    for identifier, outcome in outcomes.items():
        console.out.print(f"{pod} {identifier}: {outcome}")
    if not outcomes:
        console.out.print(f"nothing is parked in {pod}")
    raise typer.Exit(1 if any(outcome.startswith("stays parked") for outcome in outcomes.values()) else 0)


@dlq.command("drop")
def dlq_drop(pod: Pod, identifiers: list[int]) -> None:
    """Delete parked records with their content, for good: what nobody can ever handle."""

    async def delete() -> None:
        async with Rows(find_layout()).connection(pod) as connection:
            await _all_parked(connection, pod, identifiers)
            for identifier in identifiers:
                await parking.drop_parked(connection, identifier)

    asyncio.run(delete())
    for identifier in identifiers:
        console.out.print(f"{pod} {identifier}: dropped")


async def _replay(pod: str, identifiers: Collection[int]) -> dict[int, str]:
    async with Rows(find_layout()).connection(pod) as connection:
        parked = await _all_parked(connection, pod, identifiers)
        wanted = list(identifiers) or list(parked)
        for identifier in wanted:
            await parking.request_replay(connection, identifier)
        until = asyncio.get_running_loop().time() + REPLAY_SECONDS
        while asyncio.get_running_loop().time() < until:
            parked = await _parked(connection)
            if not any(identifier in parked and parked[identifier].replay_requested_at for identifier in wanted):
                break
            await asyncio.sleep(LOOK_SECONDS)
    return {identifier: _outcome(parked.get(identifier)) for identifier in wanted}


def _outcome(record: parking.ParkedRecord | None) -> str:
    if record is None:
        return "handled"
    if record.replay_requested_at is None:
        return f"stays parked: {record.reason}"
    return "asked for; the pod handles it when it and those it calls are well"


async def _all_parked(
    connection: Connection, pod: str, identifiers: Collection[int]
) -> dict[int, parking.ParkedRecord]:
    """Every parked record by id; StackError when one of those named is not among them."""
    parked = await _parked(connection)
    missing = [str(identifier) for identifier in identifiers if identifier not in parked]
    if missing:
        raise StackError(f"{pod} has no parked record {', '.join(missing)}; nothing was done", "machi dlq list")
    return parked


async def _parked(connection: Connection) -> dict[int, parking.ParkedRecord]:
    return {record.id: record for record in await parking.list_parked(connection)}
