"""The few words LINE's own buttons need, in the person's language."""

from collections.abc import Callable
from dataclasses import dataclass

from machi_sdk.language import Language


@dataclass(frozen=True)
class Phrases:
    """Labels of at most 20 characters, what was chosen so far ({options}), and how lists are written."""

    camera: str
    album: str
    here: str
    date: str
    time: str
    done: str
    chosen: str
    written: Language


def phrases(say: Callable[[str], str], written: Language) -> Phrases:
    """Read the labels through `say` (key to text)."""
    names = ("camera", "album", "here", "date", "time", "done", "chosen")
    return Phrases(**{name: say(f"button.{name}") for name in names}, written=written)
