"""`make images` and `make wheelhouse`."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from machi_tools import console
from machi_tools.errors import StackError
from machi_tools.images import building, wheelhouse
from machi_tools.images.archives import bundle
from machi_tools.images.catalogue import chosen
from machi_tools.images.debian import Bases, own_bases
from machi_tools.images.engines import Engine, find_engine
from machi_tools.stack.layout import find_layout

EPOCH = 1767225600  # one date for every file: the same inputs make the same layers
PREFIX = "localhost/machi/"
Names = Annotated[list[str] | None, typer.Argument(help="Some images; all when none is named.")]
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def build(names: Names = None) -> None:
    """Build images into .machi/images, each with its bill of materials."""
    root = find_layout().root
    images = chosen(root, names or [])
    folder = root / ".machi" / "images"
    engine = find_engine(os.environ, int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH)))
    bases = _bases(engine, folder, os.environ)
    if os.environ.get("MACHI_WHEELHOUSE") != "off":
        wheelhouse.fill(root, _python_of(folder))
    prefix = os.environ.get("MACHI_IMAGE_PREFIX", PREFIX)
    release = building.Release(root, _version(root), _revision(root), prefix)
    made = []
    for image in images:
        made.append(building.make(engine, release, image, bases, folder))
        console.out.print(made[-1].line())
    building.write_report(made, folder / "images.json")
    heavy = building.too_heavy(made)
    if heavy:
        raise StackError(
            f"over 150 MB packed, above the base: {', '.join(heavy)}", "see what its pyproject.toml leads to"
        )


@app.command()
def fetch(python: Annotated[str, typer.Option(help="Of the base.")] = wheelhouse.DEFAULT_PYTHON) -> None:
    """Fill .machi/wheelhouse, so that builds need no registry."""
    console.out.print("filled" if wheelhouse.fill(find_layout().root, python) else "nothing to fetch")


@app.command("bundle")
def one_archive() -> None:
    """Put the archives of .machi/images into one, shared layers once: what is carried to a place without network."""
    folder = find_layout().root / ".machi" / "images"
    archives = sorted(path for path in folder.glob("*.tar") if path.name != "bundle.tar")
    if not archives:
        raise StackError("there are no images to put together", "make images")
    bundle(archives, folder / "bundle.tar")
    console.out.print(f"{folder / 'bundle.tar'}: {len(archives)} images")


def _bases(engine: Engine, folder: Path, environ: Mapping[str, str]) -> Bases:
    """Those given; else the Dockerfile's own, and for buildah alone this Debian's."""
    given = environ.get("BASE_IMAGE", "")
    if given or engine.name != "buildah":
        return Bases(given, environ.get("BUILD_IMAGE", given))
    return own_bases(engine, folder, PREFIX)


def _python_of(folder: Path) -> str:
    """The Python of a base that was built here, else that of the Dockerfile's default."""
    tree = folder / "base" / "rootfs.tar"
    if not tree.is_file():
        return os.environ.get("PYTHON_VERSION", wheelhouse.DEFAULT_PYTHON)
    with tarfile.open(tree) as tar:
        found = [re.fullmatch(r"(?:\./)?usr/bin/python(3\.\d+)", name) for name in tar.getnames()]
    return next(match.group(1) for match in found if match)


def _version(root: Path) -> str:
    project = tomllib.loads((root / "libs" / "common" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _revision(root: Path) -> str:
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def main() -> None:
    """Run; errors meant for people are told in two lines."""
    try:
        app()
    except StackError as error:
        console.tell(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
