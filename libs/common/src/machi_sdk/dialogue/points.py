"""Points on earth in what people type or paste: two numbers, or the link of a map. No link is ever followed."""

import re
import unicodedata
from urllib.parse import unquote_plus

from machi_sdk.dialogue.answers import Json

_LINK = re.compile(r"(?:https?://|geo:)\S+", re.IGNORECASE)
_PAIR = r"(-?\d{1,2}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)(?![\d.])"
# Without a link, only what has digits behind the point: "3, 5" is no place.
_TYPED = re.compile(r"[(\[]?\s*(-?\d{1,2}\.\d{2,})\s*[,、\s]\s*(-?\d{1,3}\.\d{2,})\s*[)\]]?")
# Ways to name a point, the pin that is meant before the middle of what was looked at.
_IN_LINK = tuple(
    map(
        re.compile,
        (
            r"!3d(-?\d+\.\d+)!4d(-?\d+\.\d+)",
            rf"[?&](?:q|query|ll|sll|daddr|destination|coordinate|cp)=(?:loc:)?{_PAIR}",
            r"[?&]mlat=(-?\d+\.\d+)&mlon=(-?\d+\.\d+)",
            rf"^geo:{_PAIR}",
            rf"/(?:place|search)/{_PAIR}",
            rf"@{_PAIR}",
            r"#map=[\d.]+/(-?\d+\.\d+)/(-?\d+\.\d+)",
            rf"[?&]center={_PAIR}",
        ),
    )
)


def point_in(text: str) -> dict[str, Json] | None:
    """The point that was typed or that a link names, as a place is answered; what stands beside a link is the title."""
    typed = _TYPED.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if typed is not None:
        return _place(typed, "")
    link = _LINK.search(text)
    if link is None:
        return None
    address = unquote_plus(link[0])
    found = next(filter(None, (way.search(address) for way in _IN_LINK)), None)
    return _place(found, _LINK.sub("", text)) if found else None


def _place(found: re.Match[str], title: str) -> dict[str, Json] | None:
    latitude, longitude = float(found[1]), float(found[2])
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return {"latitude": latitude, "longitude": longitude, "title": title.strip(), "address": ""}
