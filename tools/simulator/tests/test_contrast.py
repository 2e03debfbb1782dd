"""Words in empty fields are read by everybody: at least 4.5:1, in light and dark."""

import re

import pytest

from machi_simulator.app import STATIC

CSS = (STATIC / "site.css").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--([\w-]+): light-dark\((#\w+, #\w+)\)", CSS))


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    pairs = [digit * 2 for digit in digits] if len(digits) == 3 else [digits[at : at + 2] for at in (0, 2, 4)]
    parts = [int(pair, 16) / 255 for pair in pairs]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("look", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "page"])
def test_a_placeholder_can_be_read(ground: str, look: int) -> None:
    (rule,) = re.findall(r"::placeholder \{ color: var\(--(\w+)\); opacity: 1; \}", CSS)
    light, dark = sorted((luminance(COLOURS[name].split(", ")[look]) for name in (rule, ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
