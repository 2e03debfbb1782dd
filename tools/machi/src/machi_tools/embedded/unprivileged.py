"""PostgreSQL refuses to run as root: lend it an account that owns nothing, and places it can reach."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from machi_tools.embedded.process import login_group

ACCOUNT = "nobody"
SHELTER = Path("/var/lib/machi")


def account() -> str | None:
    """The account to run as, or None when we are not root and stay who we are."""
    return ACCOUNT if os.geteuid() == 0 else None


def reachable(path: Path) -> bool:
    """True when the account that will run PostgreSQL can read and enter a path."""
    who = account()
    if who is None:
        return True
    test = ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", str(path)]
    group = login_group(who)
    return subprocess.run(test, user=who, group=group, extra_groups=[], check=False, cwd="/").returncode == 0


def place_for(folder: Path) -> Path:
    """The folder itself, or a shelter with the same meaning when the account cannot come near it."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if reachable(folder.parent):
        return folder
    return shelter() / hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def shelter() -> Path:
    """The shelter, made where it is missing; open to the account whatever root's umask is."""
    SHELTER.mkdir(parents=True, exist_ok=True)
    SHELTER.chmod(0o755)
    return SHELTER


def readable_tree(tree: Path, name: str) -> Path:
    """The tree itself, or a copy of it that the account can read."""
    if reachable(tree) and reachable(tree / "bin" / "postgres"):
        return tree
    copy = SHELTER / name
    if not copy.exists():
        unfinished = shelter() / f"{name}.{os.getpid()}"
        shutil.copytree(tree, unfinished, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(unfinished)], check=True)
        publish(unfinished, copy)
    return copy


def publish(unfinished: Path, copy: Path) -> None:
    """Give a finished copy its name; one made meanwhile by another process is as good."""
    try:
        unfinished.rename(copy)
    except OSError:
        shutil.rmtree(unfinished)
        if not copy.exists():
            raise


def hand_over(path: Path) -> None:
    """Make the account the owner of a path."""
    who = account()
    if who is not None:
        shutil.chown(path, who)
