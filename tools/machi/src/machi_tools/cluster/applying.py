"""A release's contents: topics, an evaluation's databases, manifests, the demo city; safe to repeat."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from machi_sdk.settings import Settings
from machi_tools.embedded.given import GivenPostgres
from machi_tools.errors import StackError
from machi_tools.operator import Operator
from machi_tools.stack import city, seeding
from machi_tools.stack.databases import Databases
from machi_tools.stack.topics import Topic, ensure_topics, read_topics

SERVERS_PATIENCE = 240.0
PODS_PATIENCE = 240.0
ADMINISTRATOR = "administrator"
LOOK_SECONDS = 1.0
Say = Callable[[str], None]
Done = TypeVar("Done")


@dataclass(frozen=True)
class Given:
    """Addresses as files: `<pod>`, `<pod>-owner`, and the administrator's."""

    folder: Path

    def word(self, name: str) -> str:
        """The password of `database <role>`."""
        return urlsplit(self._url(name.removeprefix("database "))).password or ""

    def knows(self, name: str) -> bool:
        """The server is the release's own, so that all in it is."""
        return (self.folder / name.removeprefix("database ")).exists()

    def pods(self) -> list[str]:
        """Every pod that has a database."""
        names = {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}
        return sorted(name for name in names if f"{name}-owner" in names)

    def databases(self) -> Databases:
        """The databases, as their administrator sees them."""
        return Databases(GivenPostgres(self._url(ADMINISTRATOR)), self)

    def _url(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8").strip()


def release_topics(files: Path) -> list[Topic]:
    """The registry of topics as the chart brings it."""
    return read_topics(files, "topic.*.yaml")


def release_manifests(files: Path) -> dict[str, str]:
    """The manifests as the chart brings them, by pod."""
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(files.glob("manifest.*.yaml"))}
    return {name.removeprefix("manifest.").removesuffix(".yaml"): text for name, text in found.items()}


async def make_topics(settings: Settings, files: Path, say: Say, patience: float = SERVERS_PATIENCE) -> None:
    """Create what is missing on Kafka, once it answers."""
    topics = release_topics(files)
    made = await again(partial(ensure_topics, settings, topics), patience)
    say(f"topics: {made} made, {len(topics) - made} were there")


async def make_databases(folder: Path, say: Say) -> None:
    """Create databases and roles, once the server answers."""
    given = Given(folder)
    await again(partial(given.databases().ensure, given.pods()), SERVERS_PATIENCE)
    say(f"databases: {', '.join(given.pods())}")


async def install_manifests(operator: Operator, files: Path, without: Collection[str], say: Say) -> None:
    """Install what the release has and uninstall what it was told to leave out."""
    manifests = release_manifests(files)
    if not manifests:
        raise StackError(f"there is no manifest in {files}", "the chart brings them: was it changed?")
    new = await seeding.install_all(operator, manifests, _nothing, PODS_PATIENCE)
    say(f"manifests: {', '.join(manifests)}; new: {', '.join(new) or 'none'}")
    for pod in without:
        if await seeding.patiently(partial(seeding.uninstall, operator, pod), _nothing, PODS_PATIENCE):
            say(f"uninstalled: {pod}")


async def seed_city(operator: Operator, folder: Path, slack_team: str, say: Say) -> None:
    """Put the demo city, once the pods that take it are ready, unless the municipality was put already."""
    found = city.read_folders(folder, folder)
    new = await seeding.patiently(partial(city.seed_once, operator, found, slack_team), _nothing, PODS_PATIENCE)
    say(f"seeded {found.tenant_id}" if new else f"{found.tenant_id} was put already, and stays as it is")


async def again(act: Callable[[], Awaitable[Done]], patience: float) -> Done:
    """Do it, again each second while a server does not answer yet; its last word is a StackError."""
    until = time.monotonic() + patience
    while True:
        try:
            return await act()
        except StackError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(LOOK_SECONDS)


def _nothing() -> None:
    """In a cluster the kubelet looks after the pods."""
