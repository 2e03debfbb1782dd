"""The `machi` command: a whole city on one machine, and the operators' verbs."""

import os
import sys
from typing import Annotated

import typer

from machi_sdk.errors import MachiError
from machi_tools import console
from machi_tools.cli_logs import logs
from machi_tools.errors import StackError
from machi_tools.options import Json, Yes
from machi_tools.stack import lifting
from machi_tools.stack.layout import find_layout

LIGHT_VERBS = {"up", "down", "reset", "logs", "supervise"}
RELEASE_VERBS = {"doctor", "trace", "dlq", "outbox", "topics", "tenants", "pods", "staff", "city"}
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(logs)
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Ask the release in this namespace, by kubectl.")]


@app.callback()
def where(context: typer.Context, namespace: Namespace = "") -> None:
    """Run a whole city on one machine, and ask it or a release in a cluster how it is."""
    verb = context.invoked_subcommand
    if namespace and verb not in RELEASE_VERBS:
        raise StackError(f"`machi {verb}` is for the stack on this machine", "in a cluster that is helm's or kubectl's")
    context.obj = namespace


@app.command()
def up(as_json: Json = False) -> None:
    """Start everything that is not running yet, and wait until it is ready."""
    layout = find_layout()
    lifting.ensure_running(layout, os.environ, console.note)
    with console.Progress() as progress:
        state = lifting.watch(layout, progress.show)
    if as_json:
        console.print_json(console.summary(state))
    else:
        console.print_summary(state)


@app.command()
def down() -> None:
    """Stop what `machi up` started, and only that."""
    console.out.print("stopped" if lifting.stop(find_layout()) else "nothing was running")


@app.command()
def reset(yes: Yes = False) -> None:
    """Stop, then delete the city's data, keys and logs, also from a PostgreSQL and Kafka that others run."""
    if not yes and not sys.stdin.isatty():
        raise StackError("this deletes all data of the city, and nobody can be asked here", "machi reset --yes")
    if not yes:
        typer.confirm("Delete all data of this city?", abort=True)
    photos = lifting.reset(find_layout(), os.environ)
    console.out.print(f"emptied, but for the photos in {photos}: that store is yours" if photos else "emptied")


@app.command(hidden=True)
def supervise() -> None:
    """Be the supervisor; started by `machi up`."""
    from machi_tools.stack.supervisor import supervise as run  # noqa: PLC0415 (heavy, and only one process needs it)

    raise typer.Exit(run(find_layout()))


def _add_operators_verbs() -> None:
    from machi_tools import cli_operators as verbs  # noqa: PLC0415 (heavy; the stack's own verbs do without)
    from machi_tools import cli_views as views  # noqa: PLC0415 (as above)
    from machi_tools.cli_bench import bench  # noqa: PLC0415 (as above)
    from machi_tools.cli_city import city  # noqa: PLC0415 (as above)
    from machi_tools.cli_dlq import dlq  # noqa: PLC0415 (as above)
    from machi_tools.cli_growing import new, remove  # noqa: PLC0415 (as above)
    from machi_tools.cli_release import release  # noqa: PLC0415 (as above)

    for command in (verbs.doctor, verbs.trace, verbs.seed, views.outbox, views.topics, views.tenants, bench):
        app.command()(command)
    groups = (
        ("dlq", dlq),
        ("pods", verbs.pods),
        ("staff", verbs.staff),
        ("city", city),
        ("new", new),
        ("remove", remove),
        ("release", release),
    )
    for name, group in groups:
        app.add_typer(group, name=name)


def main() -> None:
    """Run the command line; errors meant for people are told in two lines."""
    try:
        if not LIGHT_VERBS.intersection(sys.argv[1:2]):
            _add_operators_verbs()
        app()
    except StackError as error:
        console.tell(error)
        sys.exit(1)
    except MachiError as error:
        console.tell(StackError(error.message, "mend what is named, then try again"))
        sys.exit(1)
