"""What one image installs: lines of the lock that a folder's pyproject.toml leads to, or the folders of ours it needs.

Runs inside the build, where everything the lock names is installed: who needs whom is read there, versions and hashes
come from the lock alone.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Lock = dict[str, list[str]]


def read_lock(text: str) -> Lock:
    """Blocks of a lock by name; a name has two where versions differ by Python."""
    blocks: Lock = {}
    for line in text.splitlines():
        if line[:1].isalnum():
            current = blocks.setdefault(canonicalize_name(line.split("==")[0]), [])
        if line and not line.startswith("#"):
            current.append(line)
    return blocks


def our_folders(root: Path) -> dict[str, Path]:
    """The folders that are installed from this repository, by the name they give themselves."""
    found = {}
    for path in sorted([*root.glob("*/*/pyproject.toml"), *root.glob("protos/gen/*/pyproject.toml")]):
        found[str(_project(path.parent)["name"])] = path.parent
    return found


def needs(root: Path, folder: str) -> tuple[set[str], list[Path]]:
    """Names in the lock, and folders of ours, that `folder` (with `[extra]` where wanted) leads to."""
    ours = our_folders(root)
    place, _, extra = folder.rstrip("]").partition("[")
    start = Requirement(str(_project(root / place)["name"]) + (f"[{extra}]" if extra else ""))
    seen: set[str] = set()
    names: set[str] = set()
    folders: list[Path] = []
    waiting = [start]
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        own = ours.get(wanted.name)
        if own is None:
            names.add(canonicalize_name(wanted.name))
        elif own not in folders:
            folders.append(own)
        waiting += _asked(_own_words(own) if own else metadata.requires(wanted.name) or [], wanted.extras)
    return names, folders


def _own_words(folder: Path) -> list[str]:
    project = _project(folder)
    words: list[str] = list(project["dependencies"])
    for extra, more in project.get("optional-dependencies", {}).items():
        words += [f'{each} ; extra == "{extra}"' for each in more]
    return words


def _asked(words: Iterable[str], extras: Iterable[str]) -> list[Requirement]:
    found = [Requirement(each) for each in words]
    names = ["", *extras]
    return [each for each in found if not each.marker or any(each.marker.evaluate({"extra": name}) for name in names)]


def _project(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def main() -> None:
    """Print lock lines (those of `--without` left out), or folders with `--folders`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="such as services/reports or tools/machi[kafka]")
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument("--lock", type=Path)
    parser.add_argument("--without", help="a folder whose needs are installed already")
    arguments = parser.parse_args()
    names, folders = needs(arguments.root, arguments.folder)
    if arguments.lock is None:
        sys.stdout.write("".join(f"{each}\n" for each in sorted(folders)))
        return
    lock = read_lock(arguments.lock.read_text(encoding="utf-8"))
    if arguments.without:
        names -= needs(arguments.root, arguments.without)[0]
    missing = sorted(names - lock.keys())
    if missing:
        sys.exit(
            f"{arguments.folder} needs {', '.join(missing)}, which {arguments.lock.name} does not name: `make lock`"
        )
    sys.stdout.write("".join(f"{line}\n" for name in sorted(names) for line in lock[name]))


if __name__ == "__main__":
    main()
