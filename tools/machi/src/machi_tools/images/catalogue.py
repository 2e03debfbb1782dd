"""Which images there are: every pod of services/ and examples/, found by its manifest, and four of tools/."""

from dataclasses import dataclass
from pathlib import Path

from machi_tools.errors import StackError


@dataclass(frozen=True)
class Image:
    """One image: what the Dockerfile is told to make it."""

    name: str
    folder: str
    target: str = "service"
    extra: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        """The Dockerfile's build arguments that tell this image from the others."""
        return {"SERVICE": self.name, "FOLDER": self.folder, "EXTRA": self.extra}


TOOLS = (
    Image("operator", "tools/machi", "operator"),
    Image("simulator", "tools/simulator", "simulator"),
    Image("kafka", "tools/machi", "kafka", "[kafka]"),
    Image("postgres", "tools/machi", "postgres", "[postgres]"),
)


def catalogue(root: Path) -> list[Image]:
    """All images of a checkout, pods first."""
    manifests = [path for room in ("services", "examples") for path in sorted((root / room).glob("*/service.yaml"))]
    pods = [Image(path.parent.name, path.parent.relative_to(root).as_posix()) for path in manifests]
    return [*pods, *TOOLS]


def chosen(root: Path, names: list[str]) -> list[Image]:
    """The images of these names, or all; StackError names one that there is not."""
    known = {image.name: image for image in catalogue(root)}
    missing = [name for name in names if name not in known]
    if missing:
        raise StackError(f"there is no image {missing[0]}", f"choose from {', '.join(known)}")
    return [known[name] for name in names] or list(known.values())
