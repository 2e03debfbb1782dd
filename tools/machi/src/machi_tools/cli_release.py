"""`machi release`: what a Helm release's Jobs run inside the cluster."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from machi_sdk.settings import read_settings
from machi_tools import console
from machi_tools.cluster import applying, preparing
from machi_tools.cluster.api import connected
from machi_tools.errors import StackError
from machi_tools.operator import in_a_cluster, operator_in_cluster
from machi_tools.stack.readiness import ask

KAFKA_PATIENCE = 20.0
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it repeats each second what is said once at the end

release = typer.Typer(no_args_is_help=True, help="What a Helm release's Jobs run; safe to repeat.")


@release.command()
def prepare(plan: Path, topics: Annotated[bool, typer.Option(help="Make the topics, too.")] = False) -> None:
    """Make keys and passwords once, look for the secrets that must be there, write down whom to trust."""
    wanted = preparing.read_plan(plan)

    async def work() -> None:
        async with connected() as kubernetes:
            await preparing.check_secrets(kubernetes, wanted)
            made = await preparing.make_secrets(kubernetes, wanted)
            console.note(f"secrets made or added to: {', '.join(made) or 'none'}")
            console.note(f"trusted issuer: {await preparing.write_trust(kubernetes, wanted.release)}")
        if topics:
            await applying.make_topics(read_settings(), plan.parent, console.note, KAFKA_PATIENCE)

    asyncio.run(work())


@release.command()
def trust() -> None:
    """Read the cluster's token issuer and public keys anew."""

    async def work() -> None:
        async with connected() as kubernetes:
            console.note(f"trusted issuer: {await preparing.write_trust(kubernetes, read_settings().machi_release)}")

    asyncio.run(work())


@release.command()
def check(addresses: list[str]) -> None:
    """Ask each pod whether it is ready; exit code 1 names those that are not, and why."""

    async def work() -> list[str]:
        async with aiohttp.ClientSession() as session:
            answers = await asyncio.gather(*(ask(session, f"{address}/readyz") for address in addresses))
        return [f"{at}: {answer.words}" for at, answer in zip(addresses, answers, strict=True) if not answer.good]

    wrong = asyncio.run(work())
    if wrong:
        raise StackError("not ready: " + "; ".join(wrong), "mend what each pod names")
    console.note(f"ready: {', '.join(addresses)}")


@release.command()
def apply(
    without: Annotated[list[str] | None, typer.Option(help="A pod that the release leaves out.")] = None,
    topics: Annotated[bool, typer.Option(help="Make the topics first.")] = False,
    databases: Annotated[Path | None, typer.Option(help="Make the databases first: a folder of addresses.")] = None,
    seed: Annotated[Path | None, typer.Option(help="Put a city's desks and people: a folder.")] = None,
) -> None:
    """Install the release's manifests in the registry."""
    if not in_a_cluster():
        raise StackError(
            "this runs in a release's Job: MACHI_PEERS and MACHI_KEYS_DIR are not set", "machi pods install"
        )
    settings = read_settings()
    files = Path(os.environ.get("MACHI_RELEASE_FILES", "."))
    operator = operator_in_cluster(settings)

    async def work() -> None:
        if topics:
            await applying.make_topics(settings, files, console.note)
        if databases:
            await applying.make_databases(databases, console.note)
        await applying.install_manifests(operator, files, without or [], console.note)
        if seed:
            await applying.seed_city(operator, seed, settings.slack_team_id, console.note)

    asyncio.run(work())
