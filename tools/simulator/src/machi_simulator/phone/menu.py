"""Where the areas of a rich menu lie, in per cent of its picture."""

from dataclasses import dataclass

from machi_simulator.jsontree import child, children, whole
from machi_simulator.line.buttons import Button
from machi_simulator.line.model import RichMenu


@dataclass(frozen=True)
class Area:
    """One area: its button and its box."""

    button: Button
    style: str


def areas(menu: RichMenu, found: list[Button]) -> list[Area]:
    """The menu's areas with their buttons, in the menu's order."""
    size = child(menu.request, "size")
    width, height = max(1, whole(size, "width")), max(1, whole(size, "height"))
    boxes = [child(area, "bounds") for area in children(menu.request, "areas")]
    sides = (("left", "x", width), ("top", "y", height), ("width", "width", width), ("height", "height", height))
    styles = [";".join(f"{side}:{100 * whole(box, key) / most:.2f}%" for side, key, most in sides) for box in boxes]
    return [Area(button, style) for button, style in zip(found, styles, strict=True)]
