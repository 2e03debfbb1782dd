"""Builds one image, saves it, and measures it."""

import dataclasses
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from machi_tools.images.archives import Archive
from machi_tools.images.catalogue import Image
from machi_tools.images.debian import Bases
from machi_tools.images.engines import DOCKERFILE, Build, Engine, run

SBOM = "app/sbom/sbom.cdx.json"
LIMIT = 150_000_000  # bytes above the base, as a registry stores them


@dataclass(frozen=True)
class Release:
    """What all images of one build have in common."""

    root: Path
    version: str
    revision: str
    prefix: str

    def reference(self, name: str) -> str:
        """An image's full name."""
        return f"{self.prefix}{name}:{self.version}"


@dataclass(frozen=True)
class Made:
    """One finished image, and what it weighs above its base: unpacked, and packed as a registry stores it."""

    name: str
    reference: str
    archive: str
    seconds: float
    unpacked: int
    packed: int
    layers: tuple[str, ...]

    def line(self) -> str:
        """For people."""
        sizes = f"{self.unpacked / 1e6:6.1f} MB above its base, {self.packed / 1e6:5.1f} MB packed"
        return f"{self.reference:<45} {sizes}  {self.seconds:6.1f} s"


def make(engine: Engine, release: Release, image: Image, bases: Bases, folder: Path) -> Made:
    """Build, save, take out the bill of materials, measure."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    reference, target = release.reference(image.name), folder / f"{image.name}.tar"
    unfinished = folder / f".{image.name}.unfinished"
    common = {"VERSION": release.version, "REVISION": release.revision}
    build = Build(release.root, reference, DOCKERFILE, image.target, {**common, **image.arguments, **bases.arguments})
    run(engine.build_command(build), f"{reference} could not be built", "mend what the words above name")
    unfinished.unlink(missing_ok=True)
    run(engine.save_command(reference, unfinished), f"{reference} could not be saved", "is the disk full?")
    unfinished.rename(target)
    archive = Archive(target)
    (folder / f"{image.name}.cdx.json").write_bytes(archive.file(SBOM))
    layers = archive.layers()
    above = [layer for layer in layers if not layer.of_base]
    return Made(
        image.name,
        reference,
        target.name,
        round(time.monotonic() - began, 1),
        sum(layer.size for layer in above),
        sum(archive.packed(layer) for layer in above),
        tuple(layer.digest for layer in layers),
    )


def too_heavy(made: Sequence[Made]) -> list[str]:
    """Names of images over the limit."""
    return [each.name for each in made if each.packed > LIMIT]


def write_report(made: Sequence[Made], path: Path) -> None:
    """Sizes, times, and layers as JSON."""
    path.write_text(json.dumps([dataclasses.asdict(each) for each in made], indent=1) + "\n")
