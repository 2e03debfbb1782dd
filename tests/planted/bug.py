"""What a planted bug is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """One replacement; `search` must occur exactly once in the file."""

    path: str
    search: str
    replace: str


@dataclass(frozen=True)
class Bug:
    """A mistake somebody could make, and the test (`file::function`, parameters left out) that must see it."""

    name: str
    about: str
    edits: tuple[Edit, ...]
    test: str
