"""Generate what is made from the contracts: typed Python, the AsyncAPI document, JSON Schema, the reference pages.

`--check` writes nothing and fails when a committed file differs.
"""

import filecmp
import os
import shutil
import sys
import tempfile
from pathlib import Path

import contracts
from contracts import ROOT

COMMITTED = ROOT / "gen" / "python" / "src"
PAGES = ROOT.parent / "docs" / "reference"
SCHEMA = ROOT.parent / "libs" / "common" / "src" / "machi_sdk" / "manifest.schema.json"
_KINDS = {"python": "", "mypy": "quiet:", "grpc_python": "", "mypy_grpc": "quiet:"}


def generate(target: Path) -> None:
    """Write `machi/<context>/v1/*_pb2*.py[i]` below `target`, which must be empty."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    contracts.run_protoc(*(f"--{kind}_out={options}{target}" for kind, options in _KINDS.items()))
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


def documents() -> dict[Path, str]:
    """What people and tools read, by place; needs the generated Python to be fresh."""
    import asyncapi  # noqa: PLC0415 (loads the generated Python)
    import charts  # noqa: PLC0415 (as above)
    import pages  # noqa: PLC0415 (as above)
    import panels  # noqa: PLC0415 (as above)
    import slo  # noqa: PLC0415 (as above)
    from machi_sdk.manifest import schema_text  # noqa: PLC0415 (as above)
    from machi_tools.images import skaffold  # noqa: PLC0415 (as above)

    made = {PAGES / name: text for name, text in pages.texts().items()} | slo.texts() | panels.texts() | charts.texts()
    loop = {ROOT.parent / "skaffold.yaml": skaffold.text(ROOT.parent)}
    return {ROOT / "asyncapi.yaml": asyncapi.text(), SCHEMA: schema_text(), **loop, **made}


def stale_documents(made: dict[Path, str]) -> list[str]:
    """Documents that are missing, differ, or are there and not made any more."""
    import charts  # noqa: PLC0415 (loads the generated Python)

    there = {path for path in PAGES.glob("*.md") if path.name != "README.md"} | charts.leftovers()
    wrong = [path for path, text in made.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    return sorted(str(path.relative_to(ROOT.parent)) for path in {*wrong, *(there - made.keys())})


def stale_links(*, lay: bool) -> list[str]:
    """Links between charts that are not as they should be; laid anew when told so."""
    import charts  # noqa: PLC0415 (loads the generated Python)

    found = sorted(str(path.relative_to(ROOT.parent)) for path in charts.stale_links())
    if lay:
        charts.lay_links()
    return found


def main() -> None:
    """Generate in place, or compare with `--check`."""
    check = "--check" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        stale = differences(fresh, COMMITTED)
        if stale and not check:
            shutil.rmtree(COMMITTED, ignore_errors=True)
            shutil.copytree(fresh, COMMITTED)
    made = documents() if not (stale and check) else {}
    stale += stale_documents(made) + (stale_links(lay=not check) if made else [])
    if check and stale:
        raise SystemExit("generated files are stale, run `make gen`: " + ", ".join(stale))
    for name in [] if check else stale_documents(made):
        path = ROOT.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path], encoding="utf-8") if path in made else path.unlink()


if __name__ == "__main__":
    main()
