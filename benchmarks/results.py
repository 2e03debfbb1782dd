"""Results: printed for people, kept as JSON with date and versions."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent / "results"
_PACKAGES = ("aiokafka", "asyncpg", "grpcio", "sqlalchemy", "uvicorn")


def keep(name: str, figures: Mapping[str, object]) -> Path:
    """Write one benchmark's figures; returns the file."""
    now = datetime.now(UTC)
    content = {
        "benchmark": name,
        "at": now.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {package: version(package) for package in _PACKAGES},
        "figures": dict(figures),
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}-{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0…1) of the values lie; 0 for none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
