"""docker, podman, and buildah: the same Dockerfile, the same arguments, the same kind of archive."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from machi_tools.errors import StackError

DOCKERFILE = "deploy/docker/Dockerfile"
CHOICE = "MACHI_IMAGE_ENGINE"


@dataclass(frozen=True)
class Build:
    """One call of an engine: a folder, its Dockerfile, what it makes of it."""

    context: Path
    reference: str
    dockerfile: str = "Dockerfile"
    target: str = ""
    arguments: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Engine:
    """One of the three, as its command line wants to be spoken to."""

    name: str
    epoch: int

    def build_command(self, build: Build) -> list[str]:
        """Build with dates that do not tell when: the same inputs make the same layers."""
        pairs = dict(build.arguments or {})
        flags = ["--target", build.target] if build.target else []
        if self.name == "docker":
            pairs["SOURCE_DATE_EPOCH"] = str(self.epoch)
            flags += ["--output", f"type=docker,name={build.reference},rewrite-timestamp=true"]
        else:
            # A chroot needs no runtime, no control groups, and no daemon.
            flags += ["--layers", "--isolation", "chroot", "--network", "host"]
            flags += ["--timestamp", str(self.epoch), "--tag", build.reference]
        told = [part for name, value in sorted(pairs.items()) for part in ("--build-arg", f"{name}={value}")]
        where = ["--file", str(build.context / build.dockerfile), str(build.context)]
        return [self.name, "build", *flags, *told, *where]

    def save_command(self, reference: str, archive: Path) -> list[str]:
        """Write an archive that `docker load`, `podman load`, and containerd's `ctr images import` read."""
        if self.name == "buildah":
            return ["buildah", "push", "--quiet", reference, f"docker-archive:{archive}:{reference}"]
        formatted = ["--format", "docker-archive"] if self.name == "podman" else []
        return [self.name, "save", *formatted, "--output", str(archive), reference]


def find_engine(environ: Mapping[str, str], epoch: int) -> Engine:
    """The engine that MACHI_IMAGE_ENGINE names, or the first that answers; else buildah, installed where we may."""
    wanted = environ.get(CHOICE)
    if wanted:
        if wanted not in ("docker", "podman", "buildah") or not shutil.which(wanted):
            raise StackError(f"{CHOICE}={wanted} is not here", "name docker, podman, or buildah, and install it")
        return Engine(wanted, epoch)
    for name, question in (("docker", "info"), ("podman", "info"), ("buildah", "version")):
        if shutil.which(name) and _answers([name, question]):
            return Engine(name, epoch)
    install("buildah")
    return Engine("buildah", epoch)


def install(*packages: str) -> None:
    """Install Debian's packages when we are root on Debian, else say what is missing."""
    missing = [name for name in packages if not shutil.which(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    cure = f"as root: {' '.join(command)}; or start docker or podman"
    if os.geteuid() or not shutil.which("apt-get"):
        raise StackError(f"{', '.join(missing)} is missing, and no container engine answers", cure)
    for step in (["apt-get", "update", "-q"], command):
        run(step, f"{', '.join(missing)} could not be installed", cure, {"DEBIAN_FRONTEND": "noninteractive"})


def run(command: Sequence[str], what: str, cure: str, more: Mapping[str, str] | None = None) -> None:
    """Run one step; only a failed one shows its words."""
    env = {**os.environ, **(more or {})}
    done = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise StackError(f"{what}:\n{done.stdout[-4000:]}", cure)


def _answers(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
