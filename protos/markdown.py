"""Small parts of Markdown that all reference pages share."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

EXAMPLES = Path(__file__).parents[1] / "docs" / "reference" / "examples"
_MADE = "<!-- Made by `make gen`; change the source named below instead. -->"


def head(title: str, source: str) -> str:
    """A page's title and where its content comes from."""
    return f"# {title}\n\n{_MADE}\n\n{source} [All pages](README.md).\n\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty without rows."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(heads), "|" + "---|" * len(heads), *lines]) + "\n\n" if lines else ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def listed(names: object) -> str:
    """Names of pods in a sentence; `*` stands for whoever likes."""
    return ", ".join("any pod" if name == "*" else name for name in cast("list[str]", names)) or "nobody"


def example(name: str, title: str) -> str:
    """A file of examples/ as a section of its own."""
    kind = {".py": "python", ".yaml": "yaml"}[Path(name).suffix]
    content = (EXAMPLES / name).read_text(encoding="utf-8")
    return f"## Example\n\n{title}\n\n```{kind}\n{content}```\n\n"
