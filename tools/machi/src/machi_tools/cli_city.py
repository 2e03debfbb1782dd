"""`machi city put`: a municipality's own desks, people, and categories."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from machi_tools import console
from machi_tools.cluster.release import Release
from machi_tools.errors import StackError
from machi_tools.operator import asked
from machi_tools.places import IDENTITY, REPORTS, Place, place
from machi_tools.stack.city import City, list_staff, read_folders
from machi_tools.stack.city import put as put_files

city = typer.Typer(no_args_is_help=True, help="A municipality's desks, people, and categories.")
NewWorkspace = Annotated[
    bool, typer.Option("--new-workspace", help="The officers have moved to another Slack workspace.")
]
Folder = Annotated[Path, typer.Argument(help="With city.yaml, and catalogue.yaml and wards.geojson where it has them.")]


@city.command("put")
def put(context: typer.Context, folder: Folder, *, new_workspace: NewWorkspace = False) -> None:
    """Put what a municipality's files say; done twice it changes nothing. Nothing is taken away; who left is named."""
    files = read_folders(folder, folder)
    file = files.file
    if file.staff and not file.slack_team:
        raise StackError(
            f"{folder}/city.yaml names no slack_team", "add the officers' workspace: `slack_team: T0123456789`"
        )
    where = place(context)
    left = asked(_put(where, files, new_workspace=new_workspace))
    catalogue = "and the categories" if files.catalogue else "no categories: there is no catalogue.yaml"
    console.out.print(f"put {files.tenant_id}: {len(file.desks)} desks, {len(file.staff)} people, {catalogue}")
    if left:
        console.note(f"not in the file, and still at their desks: {', '.join(left)}")
        console.note(f"who left: {_removal(where, files, left)}")


async def _put(where: Place, files: City, *, new_workspace: bool) -> list[str]:
    """The ids of people in the directory whom the files do not name."""
    pods = (IDENTITY, REPORTS) if files.catalogue else (IDENTITY,)
    async with where.operator(*pods) as operator:
        there = operator.of(files.tenant_id)
        people = await list_staff(there)
        teams = {one.slack_address.partition("/")[0] for one in people} - {""}
        if files.file.staff and teams and files.file.slack_team not in teams and not new_workspace:
            raise StackError(
                f"the officers are of Slack workspace {', '.join(sorted(teams))}, and the file says"
                f" {files.file.slack_team}: nobody from there could press a button any more",
                "mend slack_team, or say --new-workspace",
            )
        left = files.left(people)
        heirs = {one: heir for one, heir in files.heirs(people, files.file.slack_team).items() if one in left}
        if heirs:
            words = (f"the Slack user of {heir} is {one}'s, whom the file does not name" for one, heir in heirs.items())
            cure = f"who left: {_removal(where, files, heirs)}; whoever stays has to be in the file"
            raise StackError("; ".join(words), cure)
        await put_files(there, files, "")
        return left


def _removal(where: Place, files: City, staff_ids: Iterable[str]) -> str:
    machi = f"machi -n {where.kubectl.namespace}" if isinstance(where, Release) else "machi"
    return f"{machi} staff remove --tenant {files.tenant_id} {' '.join(staff_ids)}"
