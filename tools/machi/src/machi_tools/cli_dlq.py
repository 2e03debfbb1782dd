"""`machi dlq`: what an operator does with parked records."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from machi_sdk.operating import MOST_WORDS
from machi_sdk.parking import ParkedRecord
from machi_tools import console
from machi_tools.completion import running_pods
from machi_tools.errors import StackError
from machi_tools.options import Json
from machi_tools.places import Place, answers, ask_each, place

REPLAY_SECONDS = 10.0
LOOK_SECONDS = 0.2

Pod = Annotated[str, typer.Argument(help="The pod whose database holds them.", autocompletion=running_pods)]
dlq = typer.Typer(no_args_is_help=True, help="Records that could not be handled, parked in their pod's database.")


@dlq.command("list")
def dlq_list(context: typer.Context, as_json: Json = False) -> None:
    """List every pod's parked records, oldest first."""
    found = asyncio.run(ask_each(place(context), ParkedRecord, "parked"))
    rows = [(pod, record) for pod, records in found.by_pod.items() for record in records]
    if as_json:
        console.print_json([{"pod": pod, **asdict(record)} for pod, record in rows])
    else:
        table = Table("pod", "id", "type", "reason", "parked at", "consumer", box=None)
        for pod, record in rows:
            at = record.parked_at.isoformat(sep=" ", timespec="seconds")
            table.add_row(pod, str(record.id), record.type or "-", record.reason, at, record.consumer)
        console.out.print(table if rows else "nothing is parked")
    console.end(found.silent)


@dlq.command("show")
def dlq_show(
    context: typer.Context, pod: Pod, identifier: Annotated[int, typer.Argument(min=0, max=10**18 - 1)]
) -> None:
    """Show one parked record's place, reason and headers; never its content."""
    [found] = asyncio.run(answers(place(context), pod, dict[str, object], "show", str(identifier)))
    if found.get("missing"):
        raise StackError(f"{pod} has no parked record {identifier}", "machi dlq list")
    console.print_json(found)


@dlq.command("replay")
def dlq_replay(
    context: typer.Context, pod: Pod, identifiers: Annotated[list[int] | None, typer.Argument()] = None
) -> None:
    """Let a pod handle parked records again, those named or all of that pod, and say what became of each."""
    outcomes = asyncio.run(_replay(place(context), pod, identifiers or []))
    for identifier, outcome in outcomes.items():
        console.out.print(f"{pod} {identifier}: {outcome}")
    if not outcomes:
        console.out.print(f"nothing is parked in {pod}")
    raise typer.Exit(1 if any(outcome.startswith("stays parked") for outcome in outcomes.values()) else 0)


@dlq.command("drop")
def dlq_drop(context: typer.Context, pod: Pod, identifiers: list[int]) -> None:
    """Delete parked records with their content, for good: what nobody can ever handle."""
    asyncio.run(_drop(place(context), pod, identifiers))
    for identifier in identifiers:
        console.out.print(f"{pod} {identifier}: dropped")


async def _drop(place: Place, pod: str, identifiers: Sequence[int]) -> None:
    await _all_parked(place, pod, identifiers)
    await _ask(place, pod, "drop", identifiers)


async def _replay(place: Place, pod: str, identifiers: Sequence[int]) -> dict[int, str]:
    parked = await _all_parked(place, pod, identifiers)
    wanted = list(identifiers) or list(parked)
    if identifiers:
        await _ask(place, pod, "replay", identifiers)
    elif parked:
        await place.ask(pod, "replay")  # without words it is all of them
    until = asyncio.get_running_loop().time() + REPLAY_SECONDS
    while asyncio.get_running_loop().time() < until:
        parked = await _parked(place, pod)
        if not any(identifier in parked and parked[identifier].replay_requested_at for identifier in wanted):
            break
        await asyncio.sleep(LOOK_SECONDS)
    return {identifier: _outcome(parked.get(identifier)) for identifier in wanted}


async def _ask(place: Place, pod: str, verb: str, identifiers: Sequence[int]) -> None:
    """A verb about records, of which it takes so many at once."""
    for start in range(0, len(identifiers), MOST_WORDS):
        await place.ask(pod, verb, *map(str, identifiers[start : start + MOST_WORDS]))


def _outcome(record: ParkedRecord | None) -> str:
    if record is None:
        return "handled"
    if record.replay_requested_at is None:
        return f"stays parked: {record.reason}"
    return "asked for; the pod handles it when it and those it calls are well"


async def _all_parked(place: Place, pod: str, identifiers: Collection[int]) -> dict[int, ParkedRecord]:
    """Every parked record by id; StackError when one of those named is not among them."""
    parked = await _parked(place, pod)
    missing = [str(identifier) for identifier in identifiers if identifier not in parked]
    if missing:
        raise StackError(f"{pod} has no parked record {', '.join(missing)}; nothing was done", "machi dlq list")
    return parked


async def _parked(place: Place, pod: str) -> dict[int, ParkedRecord]:
    return {record.id: record for record in await answers(place, pod, ParkedRecord, "parked")}
