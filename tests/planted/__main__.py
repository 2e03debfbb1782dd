"""Plant each bug in a copy of the tree and demand that its test turns red: `python -m tests.planted [name…]`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import PostgresServer
from tests.planted.bugs import BUGS, Bug
from tests.planted.planting import CannotPlant, Garden, copy_tree

console = Console()


@contextmanager
def servers(folder: Path) -> Iterator[None]:
    """One PostgreSQL and one Kafka for all the runs, unless the environment names others."""
    started: list[PostgresServer | KafkaServer] = []
    try:
        if "MACHI_TEST_DATABASE_URL" not in os.environ:
            postgres = PostgresServer(folder / "postgres" / "data", fsync=False)
            started.append(postgres)
            os.environ["MACHI_TEST_DATABASE_URL"] = postgres.start().url()
        if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ:
            kafka = KafkaServer(folder / "kafka" / "data")
            started.append(kafka)
            os.environ["KAFKA_BOOTSTRAP_SERVERS"] = kafka.start().bootstrap
        yield
    finally:
        for server in started:
            server.destroy()


def judged(garden: Garden, bug: Bug) -> str:
    """Why the bug's test is no good; empty when it is green without the bug and red with it."""
    calm = garden.run(bug.test)
    if not calm.is_green:
        return f"is not green without the bug\n{calm.output[-2000:]}"
    try:
        with garden.planted(bug):
            found = garden.run(bug.test)
    except CannotPlant as error:
        return f"cannot be planted: {error}"
    if found.is_red:
        return ""
    return f"is not seen by {bug.test}\n{found.output[-2000:]}"


def chosen(names: list[str]) -> list[Bug]:
    """The bugs of these names, all without any."""
    unknown = set(names) - {bug.name for bug in BUGS}
    if unknown:
        raise SystemExit(f"no such bug: {', '.join(sorted(unknown))}")
    return [bug for bug in BUGS if not names or bug.name in names]


def run(bugs: list[Bug]) -> int:
    """Judge each bug in turn; returns how many were not seen."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="machi-planted-") as name, servers(Path(name)):
        garden = copy_tree(Path(name) / "tree")
        with Progress(console=console, transient=True) as progress:
            for bug in progress.track(bugs, description="planting"):
                trouble = judged(garden, bug)
                missed += bool(trouble)
                console.print(f"[red]missed[/]  {bug.name} {trouble}" if trouble else f"[green]seen[/]    {bug.name}")
    console.print(f"{len(bugs) - missed} of {len(bugs)} planted bugs were seen")
    return missed


def main() -> None:
    """Parse the words, run."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these bugs")
    parser.add_argument("--list", action="store_true", help="say which there are, plant nothing")
    words = parser.parse_args()
    bugs = chosen(words.names)
    if words.list:
        for bug in bugs:
            console.print(f"{bug.name}: {bug.about} → {bug.test}", highlight=False, soft_wrap=True)
        return
    sys.exit(1 if run(bugs) else 0)


if __name__ == "__main__":
    main()
