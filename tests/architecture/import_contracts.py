"""Ask import-linter about the contracts of .importlinter, every pod put in for `<pod>`: a new pod is in no list."""

import sys
import tempfile
from pathlib import Path

from importlinter.cli import lint_imports

from tests.architecture.house import ROOT, services


def contracts(text: str) -> str:
    """The contracts with each line that names `<pod>` once per pod; of `<pod>.room`, once per pod that has the room."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.strip().startswith("<pod>"):
            lines.append(line)
            continue
        room = line.strip().removeprefix("<pod>").lstrip(".")
        packages = [each.import_name for each in services() if not room or (each.package / room).is_dir()]
        lines += [line.replace("<pod>", package) for package in packages]
    return "\n".join(lines) + "\n"


def main() -> int:
    """The exit code of import-linter."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "contracts.ini"
        config.write_text(contracts((ROOT / ".importlinter").read_text(encoding="utf-8")), encoding="utf-8")
        return lint_imports(config_filename=str(config), no_cache=True)


if __name__ == "__main__":
    sys.exit(main())
