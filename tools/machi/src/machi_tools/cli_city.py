"""`machi city put`: a municipality's own desks, people, and categories."""

from pathlib import Path
from typing import Annotated

import typer

from machi_tools import console
from machi_tools.errors import StackError
from machi_tools.operator import asked
from machi_tools.places import IDENTITY, REPORTS, Place, place
from machi_tools.stack.city import City, read_folders
from machi_tools.stack.city import put as put_files

city = typer.Typer(no_args_is_help=True, help="A municipality's desks, people, and categories.")
Folder = Annotated[Path, typer.Argument(help="With city.yaml, and catalogue.yaml and wards.geojson where it has them.")]


@city.command("put")
def put(context: typer.Context, folder: Folder) -> None:
    """Put what a municipality's files say; done twice it changes nothing, and nothing is taken away."""
    files = read_folders(folder, folder)
    if files.staff and not files.slack_team:
        raise StackError(
            f"{folder}/city.yaml names no slack_team", "add the officers' workspace: `slack_team: T0123456789`"
        )
    asked(_put(place(context), files))
    catalogue = "and the categories" if files.catalogue else "no categories: there is no catalogue.yaml"
    console.out.print(f"put {files.tenant_id}: {len(files.desks)} desks, {len(files.staff)} people, {catalogue}")


async def _put(where: Place, files: City) -> None:
    pods = (IDENTITY, REPORTS) if files.catalogue else (IDENTITY,)
    async with where.operator(*pods) as operator:
        await put_files(operator.of(files.tenant_id), files, "")
