"""The operators' verbs of the `machi` command."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from machi_tools import console
from machi_tools.cluster.release import Release
from machi_tools.completion import running_pods
from machi_tools.diagnosis import Report, diagnose
from machi_tools.diagnosis.release import diagnose_release
from machi_tools.errors import StackError
from machi_tools.operator import asked, operator_of, running
from machi_tools.options import Json
from machi_tools.places import Hop, Place, ask_registry, hops_of, place, trace_of
from machi_tools.stack import city, seeding
from machi_tools.stack.layout import find_layout
from machi_tools.stack.pods import discover

Tenant = Annotated[str, typer.Option("--tenant", help="Another municipality of the release than its first.")]
pods = typer.Typer(no_args_is_help=True, help="The registry of installed pods.")
staff = typer.Typer(no_args_is_help=True, help="The people who work for the city.")


def doctor(
    context: typer.Context,
    as_json: Json = False,
    platforms: Annotated[bool, typer.Option(help="Ask LINE and Slack, with the pods' tokens.")] = True,
) -> None:
    """Say what is wrong and the cure; exit code 1 when anything is."""
    found = place(context)
    here = find_layout()
    looking = diagnose_release(found) if isinstance(found, Release) else diagnose(here, ask_platforms=platforms)
    report = asyncio.run(looking)
    if as_json:
        console.print_json(report)
    else:
        _print_report(report)
    raise typer.Exit(0 if report["ok"] else 1)


def trace(context: typer.Context, case_number: str, as_json: Json = False, tenant: Tenant = "") -> None:
    """Print the way of a case's first message, hop by hop."""
    trace_id, hops, silent = asked(_way(place(context), case_number, tenant))
    if as_json:
        console.print_json({"case": case_number, "trace_id": trace_id, "hops": [asdict(hop) for hop in hops]})
    else:
        console.out.print(f"case {case_number}  trace {trace_id}")
        _print_hops(hops)
    console.end(silent)


async def _way(place: Place, case_number: str, tenant: str) -> tuple[str, list[Hop], tuple[StackError, ...]]:
    trace_id = await trace_of(place, case_number, tenant)
    return trace_id, *await hops_of(place, trace_id)


def seed() -> None:
    """Put the demo city's desks, people, categories and wards; done twice it changes nothing."""
    layout = find_layout()
    state = running(layout)
    with console.err.status("seeding"):
        asyncio.run(city.seed(operator_of(layout), city.read_city(layout, state.tenant), state.slack_team))
    console.out.print(f"seeded {state.tenant}")


@pods.command("list")
def pods_list(context: typer.Context, as_json: Json = False) -> None:
    """List the installed pods."""
    rows = asked(ask_registry(place(context), seeding.installed))
    found = [{"pod": row.pod, "manifest_hash": row.manifest_hash} for row in rows]
    if as_json:
        console.print_json(found)
        return
    for row in found:
        console.out.print(f"{row['pod']:<20}{row['manifest_hash'][:12]}")


@pods.command("install")
def pods_install(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(autocompletion=running_pods)] = None,
) -> None:
    """Install the manifests of this checkout: those named, or all."""
    if context.obj:
        raise StackError("a release installs its own manifests", "helm upgrade; this checkout's might be others")
    layout = find_layout()
    there = discover(layout.root)
    known = [pod.name for pod in there]
    unknown = next((name for name in names or () if name not in known), None)
    if unknown is not None:
        raise StackError(f"there is no pod {unknown}", f"one of: {', '.join(known)}")
    for pod in there:
        if not names or pod.name in names:
            changed = asked(seeding.install(operator_of(layout), pod.manifest_text))
            console.out.print(f"{pod.name}: {'installed' if changed else 'already installed'}")


@pods.command("uninstall")
def pods_uninstall(context: typer.Context, name: Annotated[str, typer.Argument(autocompletion=running_pods)]) -> None:
    """Uninstall a pod: nobody calls it and it calls nobody from now on."""
    changed = asked(ask_registry(place(context), lambda operator: seeding.uninstall(operator, name)))
    console.out.print(f"{name}: {'uninstalled' if changed else 'was not installed'}")


@staff.command("list")
def staff_list(context: typer.Context, as_json: Json = False, tenant: Tenant = "") -> None:
    """List a municipality's people with their Slack ids, roles and desks."""
    rows = [
        {
            "staff_id": person.staff_id,
            "name": person.display_name,
            "slack_team": person.slack_address.partition("/")[0],
            "slack_user": person.slack_address.partition("/")[2],
            "roles": list(person.roles),
            "desks": list(person.desk_ids),
        }
        for person in asked(ask_registry(place(context), city.list_staff, tenant))
    ]
    if as_json:
        console.print_json(rows)
        return
    table = Table("id", "name", "Slack", "roles", "desks", box=None)
    for row in rows:
        named = (str(row[each]) for each in ("staff_id", "name", "slack_user"))
        table.add_row(*named, ", ".join(row["roles"]), ", ".join(row["desks"]))
    console.out.print(table)


@staff.command("remove")
def staff_remove(
    context: typer.Context,
    staff_ids: Annotated[list[str], typer.Argument(help="As `machi staff list` names them.")],
    tenant: Tenant = "",
) -> None:
    """Take out who left: they have no desk, no role, and no name from then on. Their cases stay as they are."""
    unknown = asked(ask_registry(place(context), lambda operator: city.remove_staff(operator, staff_ids), tenant))
    for each in dict.fromkeys(staff_ids):
        if each not in unknown:
            console.out.print(f"{each}: removed")
    if unknown:
        raise StackError(f"nobody has the id {', '.join(unknown)}", "`machi staff list` names everybody's")


def _print_hops(hops: list[Hop]) -> None:
    table = Table("after", "pod", "hop", "", box=None)
    for hop in hops:
        after = (hop.at - hops[0].at).total_seconds()
        table.add_row(f"{after:8.3f} s", hop.pod, hop.name, " ".join(f"{k}={v}" for k, v in hop.detail.items()))
    console.out.print(table if hops else "no hop is recorded yet")


def _print_report(report: Report) -> None:
    table = Table("pod", "pid", "http", "rpc", "ready", "lag", "outbox", "parked", box=None)
    for pod in report["pods"]:
        figures = (f"{pod['lag']:.0f}", f"{pod['outbox_age']:.1f} s", f"{pod['parked']:.0f}")
        ready = "yes" if pod["ready"] else "no"
        table.add_row(pod["name"], str(pod["pid"] or "-"), pod["http"], pod["rpc"], ready, *figures)
    if report["pods"]:
        console.out.print(table)
    for name, url in {**report["views"], **report["webhooks"]}.items():
        console.out.print(f"{name:<22}{url}")
    for note in report["notes"]:
        console.out.print(f"note: {note}")
    for finding in report["findings"]:
        console.out.print(f"✗ {finding['what']}\n  cure: {finding['cure']}")
    if report["ok"]:
        console.out.print("all is well")
