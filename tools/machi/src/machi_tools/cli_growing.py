"""`machi new` and `machi remove`: the house grows by a pod, and shrinks again."""

import sys
from typing import Annotated

import typer

from machi_tools import console
from machi_tools.errors import StackError
from machi_tools.growing import generate, new_pod, remove_pod
from machi_tools.options import Yes
from machi_tools.stack.layout import find_layout

new = typer.Typer(no_args_is_help=True, help="Make something new in this checkout.")
remove = typer.Typer(no_args_is_help=True, help="Take something out of this checkout.")


@new.command("service")
def new_service(name: Annotated[str, typer.Argument(help="Its name in kebab-case, such as lost-umbrellas.")]) -> None:
    """Make a whole pod from the living example: it runs, and its tests pass."""
    root = find_layout().root
    for folder in new_pod(root, name):
        console.out.print(f"made {folder.relative_to(root)}/")
    generate(root)
    console.out.print("put into the city's chart and skaffold.yaml, as `make gen` does after a change of service.yaml")
    console.out.print("next: `make setup` installs it, docs/a-pod-in-15-minutes.md goes on from here")


@remove.command("service")
def remove_service(name: str, yes: Yes = False) -> None:
    """Delete a pod's folders and what was generated of it; a running city's data of it goes with `make reset`."""
    if not yes and not sys.stdin.isatty():
        raise StackError(
            f"this deletes services/{name}, and nobody can be asked here", f"machi remove service {name} --yes"
        )
    if not yes:
        typer.confirm(f"Delete services/{name} and its chart?", abort=True)
    root = find_layout().root
    for folder in remove_pod(root, name):
        console.out.print(f"removed {folder.relative_to(root)}/")
    generate(root)
    console.out.print("taken out of the city's chart and skaffold.yaml")
