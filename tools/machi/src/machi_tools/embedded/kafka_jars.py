"""Apache Kafka's jars: fetched once, kept in a cache of the user, compared with the hashes in this folder."""

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from machi_tools.errors import StackError, reason

SUMS = Path(__file__).with_name("kafka-jars.sha256")
OFFLINE_CURE = "check that the Maven repository can be reached, or point MACHI_KAFKA_JARS at a folder with the jars"


@dataclass(frozen=True)
class Jar:
    """One line of the list: group:artifact:version and the SHA-256 of its jar."""

    coordinate: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name in a Maven repository."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def wanted() -> list[Jar]:
    """The jars of one broker, in the order of the list."""
    pairs = (line.split() for line in SUMS.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(coordinate, sha256) for sha256, coordinate in pairs]


def cache() -> Path:
    """Where fetched jars stay, shared by every checkout of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "machi" / "jars"


def class_path() -> str:
    """The verified class path; fetches what the cache lacks, or reads MACHI_KAFKA_JARS and fetches nothing."""
    jars, folder = wanted(), cache()
    given = os.environ.get("MACHI_KAFKA_JARS")
    if given:
        return _found(jars, _given(Path(given)))
    if all((folder / jar.file_name).is_file() for jar in jars):
        return _found(jars, _fetcher(folder))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # two that fetch at once would write into each other's files
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _found(jars, _fetcher(folder))


def _found(jars: Sequence[Jar], finder: Callable[[Jar], Path]) -> str:
    with ThreadPoolExecutor(8) as pool:
        return os.pathsep.join(str(path) for path in pool.map(finder, jars))


def copy_to(folder: Path) -> None:
    """Lay the verified jars into a folder, for an image or a wheelhouse."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in class_path().split(os.pathsep):
        shutil.copy(path, folder)


def _given(folder: Path) -> Callable[[Jar], Path]:
    def find(jar: Jar) -> Path:
        path = folder / jar.file_name
        if not path.is_file():
            raise StackError(f"{jar.file_name} is not in MACHI_KAFKA_JARS", f"put {jar.coordinate} there")
        if _sha256(path) != jar.sha256:
            raise StackError(f"{jar.file_name} in MACHI_KAFKA_JARS is not the released one", f"replace {path}")
        return path

    return find


def _fetcher(folder: Path) -> Callable[[Jar], Path]:
    def find(jar: Jar) -> Path:
        path = folder / jar.file_name
        if path.is_file() and _sha256(path) == jar.sha256:
            return path
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(2):  # a download that was cut before is thrown away once
            fetched = _download(jar, folder / "maven")
            if _sha256(fetched) == jar.sha256:
                return fetched.rename(path)
            fetched.unlink()
        raise StackError(f"{jar.coordinate} does not have the released content", "try another network; nothing was run")

    return find


def _download(jar: Jar, repository: Path) -> Path:
    import requests  # noqa: PLC0415 (needed once per machine, slow to load)
    from jgo.maven import MavenContext  # noqa: PLC0415 (as above)

    group, artifact, version = jar.coordinate.split(":")
    try:
        context = MavenContext(repo_cache=repository, timeout=60)
        path: Path = context.project(group, artifact).at_version(version).artifact().resolve()
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise StackError(f"{jar.coordinate} could not be fetched: {reason(error)}", OFFLINE_CURE) from error
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """Fetch the jars into the cache, and copy them to a folder where one is named."""
    try:
        if sys.argv[1:]:
            copy_to(Path(sys.argv[1]))
        else:
            class_path()
    except StackError as error:
        sys.stderr.write(f"{error}\n  cure: {error.cure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
