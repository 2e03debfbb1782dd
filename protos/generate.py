"""Generate the typed Python distribution of the protos; `--check` fails when the committed one differs."""

import filecmp
import os
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent
COMMITTED = ROOT / "gen" / "python" / "src"


def generate(target: Path) -> None:
    """Write `machi/<context>/v1/*_pb2*.py[i]` below `target`, which must be empty."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "machi").rglob("*.proto"))
    well_known = str(resources.files("grpc_tools") / "_proto")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    outputs = [f"--{kind}_out={target}" for kind in ("python", "mypy", "grpc_python", "mypy_grpc")]
    code = protoc.main(["protoc", f"-I{ROOT}", f"-I{well_known}", *outputs, *sources])
    if code:
        raise SystemExit(code)
    for path in sorted(target.rglob("*_pb2_grpc.py*")):
        if "class " not in path.read_text(encoding="utf-8"):
            path.unlink()
    for folder in {path.parent for path in target.rglob("*_pb2.pyi")}:
        (folder / "py.typed").touch()


def differences(left: Path, right: Path) -> list[str]:
    """Paths that are not byte-equal on both sides."""
    names = {
        path.relative_to(side) for side in (left, right) for path in side.rglob("*") if path.suffix in {".py", ".pyi"}
    }
    return sorted(
        str(name)
        for name in names
        if not ((left / name).is_file() and (right / name).is_file())
        or not filecmp.cmp(left / name, right / name, shallow=False)
    )


def main() -> None:
    """Regenerate in place, or compare with `--check`."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        if "--check" in sys.argv[1:]:
            stale = differences(fresh, COMMITTED)
            if stale:
                raise SystemExit("generated code is stale, run `make gen`: " + ", ".join(stale))
            return
        shutil.rmtree(COMMITTED, ignore_errors=True)
        shutil.copytree(fresh, COMMITTED)


if __name__ == "__main__":
    main()
