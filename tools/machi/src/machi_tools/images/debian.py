"""The base on a bare Debian: essential packages and Python, made by mmdebstrap from the mirror of this machine."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from machi_tools.errors import StackError
from machi_tools.images.engines import Build, Engine, install, run

RUNS = ("python3", "ca-certificates", "tzdata", "libstdc++6")
BUILDS = ("python3-venv", "binutils")
LEAVES_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/doc/*")
COPYRIGHTS = "/usr/share/doc/*/copyright"
DOCKERFILE = 'FROM scratch\nADD rootfs.tar /\nENV LANG=C.UTF-8\nCMD ["python3"]\n'


@dataclass(frozen=True)
class Bases:
    """The two references the Dockerfile starts from; empty ones leave it its defaults."""

    runs: str = ""
    builds: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        """As the Dockerfile calls them."""
        given = {"BASE_IMAGE": self.runs, "BUILD_IMAGE": self.builds}
        return {name: value for name, value in given.items() if value}


def suite(os_release: str) -> str:
    """The name of this machine's Debian, from the text of os-release."""
    pairs = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    if pairs.get("ID", "").strip('"') != "debian":
        raise StackError("only a Debian can build a base of its own", "set BASE_IMAGE and BUILD_IMAGE, or use docker")
    return pairs["VERSION_CODENAME"].strip('"')


def own_bases(engine: Engine, folder: Path, prefix: str) -> Bases:
    """Make both bases where the engine has none yet; `folder` keeps their file systems."""
    install("mmdebstrap")
    made = Bases(f"{prefix}base:{_release()}", f"{prefix}base-build:{_release()}")
    for reference, packages in ((made.runs, RUNS), (made.builds, (*RUNS, *BUILDS))):
        place = folder / reference.rpartition("/")[2].partition(":")[0]
        _debootstrap(place, packages, engine.epoch)
        (place / "Dockerfile").write_text(DOCKERFILE)
        run(engine.build_command(Build(place, reference)), f"{reference} could not be built", "read the words above")
    return made


def tree_command(packages: tuple[str, ...], tree: Path, release: str) -> list[str]:
    """How mmdebstrap is called: essential packages and these, without manuals, with every copyright."""
    rules = [f"--dpkgopt=path-exclude={path}" for path in LEAVES_OUT] + [f"--dpkgopt=path-include={COPYRIGHTS}"]
    wanted = ["--variant=essential", f"--include={','.join(packages)}"]
    return ["mmdebstrap", "--quiet", *wanted, *rules, release, str(tree)]


def _debootstrap(place: Path, packages: tuple[str, ...], epoch: int) -> None:
    tree, unfinished = place / "rootfs.tar", place / "unfinished.tar"
    if tree.is_file():
        return
    place.mkdir(parents=True, exist_ok=True)
    cure = "check the Debian mirror of this machine (`apt-get update`), then try again"
    run(
        tree_command(packages, unfinished, _release()),
        "the base could not be made",
        cure,
        {"SOURCE_DATE_EPOCH": str(epoch)},
    )
    shutil.move(unfinished, tree)


def _release() -> str:
    return suite(Path("/etc/os-release").read_text(encoding="utf-8"))
