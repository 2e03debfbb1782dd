"""Where the stack keeps its things."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(*Path(__file__).resolve().parts[:-6])  # of a checkout; an installed package is told by MACHI_ROOT


@dataclass(frozen=True)
class Layout:
    """The repository and the folder that everything of one running stack lives in."""

    root: Path
    state: Path

    @property
    def state_file(self) -> Path:
        """What runs, as the supervisor last wrote it."""
        return self.state / "state.json"

    @property
    def keys(self) -> Path:
        """Signing keys and, per pod, the folder that MACHI_KEYS_DIR names."""
        return self.state / "keys"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.state / "log" / f"{name}.log"

    def data(self, name: str) -> Path:
        """The data of one server."""
        return self.state / "data" / name

    def extra_environment(self, name: str) -> dict[str, str]:
        """Lines NAME=VALUE of env/<name>, read at each start of a process: how tests and people set one pod apart."""
        path = self.state / "env" / name
        lines = path.read_text().splitlines() if path.is_file() else []
        pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
        return {key.strip(): value.strip() for key, _, value in pairs}


def find_layout() -> Layout:
    """This checkout's layout; MACHI_ROOT names another checkout, MACHI_STATE_DIR another folder for a second stack."""
    root = Path(os.environ.get("MACHI_ROOT") or ROOT).resolve()
    return Layout(root, Path(os.environ.get("MACHI_STATE_DIR") or root / ".machi").resolve())
