"""Random values that this stack made up once and keeps."""

import json
import os
import secrets
from pathlib import Path


class SecretStore:
    """Named random values in one file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def word(self, name: str) -> str:
        """A random word of 43 characters, the same at every call."""
        return self._kept(name, secrets.token_urlsafe(32))

    def knows(self, name: str) -> bool:
        """Whether this stack made it up already."""
        return name in self._values

    def hexadecimal(self, name: str, prefix: str = "", count: int = 32) -> str:
        """Random hexadecimal digits after a prefix, the same at every call."""
        return self._kept(name, prefix + secrets.token_hex(count)[:count])

    def capitals(self, name: str, prefix: str, count: int) -> str:
        """Random capitals and digits after a prefix, the same at every call."""
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
        return self._kept(name, prefix + "".join(secrets.choice(letters) for _ in range(count)))

    def pods(self) -> list[str]:
        """Every pod that ever got a database of this stack, by the name of its role's password."""
        roles = {name.removeprefix("database ") for name in self._values if name.startswith("database ")}
        return sorted(role for role in roles if f"{role}-owner" in roles)

    def _kept(self, name: str, proposal: str) -> str:
        if name not in self._values:
            self._values[name] = proposal
            write_private(self._path, json.dumps(self._values, indent=1))
        return self._values[name]


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner reads it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.rename(path)
