"""The few words LINE's own buttons need, in the person's language."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """Labels of at most 20 characters, and the name of a list of choices."""

    camera: str
    album: str
    here: str
    date: str
    time: str
    done: str
    chosen: str


def phrases(say: Callable[[str], str]) -> Phrases:
    """Read the labels through `say` (key to text)."""
    names = ("camera", "album", "here", "date", "time", "done", "chosen")
    return Phrases(**{name: say(f"button.{name}") for name in names})
