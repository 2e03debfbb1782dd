"""An offline map: ward polygons as SVG, and the way between its points and coordinates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

import orjson

from machi_simulator.jsontree import Json, as_list, as_object, child, children, text

SIDE = 280
MARGIN = 8
ZOOMS = (1, 2, 4, 8, 16, 32)
Point = tuple[float, float]


@dataclass(frozen=True)
class Ward:
    """A named area: its rings of (longitude, latitude)."""

    name: str
    rings: list[list[Point]]


@dataclass(frozen=True)
class Window:
    """The part of the picture that is seen, in picture points."""

    left: float = 0.0
    top: float = 0.0
    side: float = SIDE
    zoom: int = 1

    @property
    def box(self) -> str:
        """As an SVG viewBox."""
        return f"{self.left:.2f} {self.top:.2f} {self.side:.2f} {self.side:.2f}"

    @property
    def nearer(self) -> int:
        """The next zoom in; 0 at the nearest."""
        return self.zoom * 2 if self.zoom < ZOOMS[-1] else 0


@dataclass(frozen=True)
class Picked:
    """The place in the form: typed, or pressed on the map (browsers send the point as at.x and at.y)."""

    latitude: str = ""
    longitude: str = ""
    zoom: int = 1

    @property
    def place(self) -> tuple[float, float] | None:
        """The place, where both are numbers."""
        try:
            return float(self.latitude), float(self.longitude)
        except ValueError:
            return None

    @classmethod
    def of(cls, query: Mapping[str, str], city: "CityMap | None") -> "Picked":
        """What a query says; a point is meant in the window it was shown in."""
        wanted = query.get("zoom", "1")
        zoom = int(wanted) if wanted in map(str, ZOOMS) else 1
        typed = cls(query.get("latitude", ""), query.get("longitude", ""), zoom)
        x, y = query.get("at.x", ""), query.get("at.y", "")
        if city is None or not (x.isdecimal() and y.isdecimal()) or (x, y) == ("0", "0"):
            return typed
        seen = city.window(typed)
        unit = seen.side / SIDE
        latitude, longitude = city.to_place(seen.left + int(x) * unit, seen.top + int(y) * unit)
        return cls(str(latitude), str(longitude), zoom)


@dataclass(frozen=True)
class CityMap:
    """Wards and their frame; `scale` is picture points per degree of latitude."""

    wards: list[Ward]
    west: float
    north: float
    squeeze: float
    scale: float

    def to_point(self, latitude: float, longitude: float) -> Point:
        """Where a place lies in the picture."""
        return (
            MARGIN + (longitude - self.west) * self.squeeze * self.scale,
            MARGIN + (self.north - latitude) * self.scale,
        )

    def to_place(self, x: float, y: float) -> tuple[float, float]:
        """Latitude and longitude of a point of the picture."""
        longitude = self.west + (x - MARGIN) / (self.squeeze * self.scale)
        return round(self.north - (y - MARGIN) / self.scale, 6), round(longitude, 6)

    def window(self, picked: Picked) -> Window:
        """What is seen at a zoom, with the picked place in its middle as far as the picture reaches."""
        side = SIDE / picked.zoom
        x, y = self.to_point(*picked.place) if picked.place else (SIDE / 2, SIDE / 2)
        left, top = (min(max(0.0, each - side / 2), SIDE - side) for each in (x, y))
        return Window(left, top, side, picked.zoom)

    def svg(self, picked: Picked) -> str:
        """The picture as a file, with a pin at the picked place."""
        window, pin = self.window(picked), ""
        if picked.place is not None:
            x, y = self.to_point(*picked.place)
            size = window.side / SIDE
            pin = (
                f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{6 * size:.2f}" fill="#b00020" stroke="#fff"'
                f' stroke-width="{2 * size:.2f}"/>'
            )
        style = (
            f".ward{{fill:#f4f1e6;stroke:#5b6770;stroke-width:{1.2 / window.zoom:.3f}}}"
            f"text{{fill:#1d2429;font:{11 / window.zoom:.2f}px sans-serif;text-anchor:middle}}"
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}" viewBox="{window.box}">'
            f'<style>{style}</style><rect width="{SIDE}" height="{SIDE}" fill="#cfe3ee"/>{self.shapes}{pin}</svg>'
        )

    @cached_property
    def shapes(self) -> str:
        """The wards and their names, without colours."""
        return "".join(map(self._ward, self.wards)) + "".join(map(self._name, self.wards))

    def _ward(self, ward: Ward) -> str:
        path = " ".join(self._ring(ring) for ring in ward.rings)
        return f'<path class="ward" d="{path}" data-ward="{escape(ward.name)}"/>'

    def _name(self, ward: Ward) -> str:
        largest = max(ward.rings, key=len)
        middle = (sum(y for _, y in largest) / len(largest), sum(x for x, _ in largest) / len(largest))
        x, y = self.to_point(*middle)
        return f'<text x="{x:.0f}" y="{y:.0f}">{escape(ward.name)}</text>'

    def _ring(self, ring: list[Point]) -> str:
        points = (self.to_point(latitude, longitude) for longitude, latitude in ring)
        return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) + "Z"


def read_map(path: Path | None) -> CityMap | None:
    """A GeoJSON collection of polygons; a ward's name is its `name` or N03_004. None where there is no file."""
    if path is None or not path.exists():
        return None
    source = as_object(orjson.loads(path.read_bytes()))
    wards = [_ward(feature) for feature in children(source, "features")]
    # Each ward's main land makes the frame: an islet far out would shrink the city to a dot.
    corners = [point for ward in wards for point in max(ward.rings, key=len)]
    west, east = min(x for x, _ in corners), max(x for x, _ in corners)
    south, north = min(y for _, y in corners), max(y for _, y in corners)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = (SIDE - 2 * MARGIN) / max(north - south, (east - west) * squeeze)
    return CityMap(wards, west, north, squeeze, scale)


def _ward(feature: Json) -> Ward:
    named, shape = child(feature, "properties"), child(feature, "geometry")
    polygons = as_list(shape.get("coordinates"))
    if text(shape, "type") == "Polygon":
        polygons = [polygons]
    rings = [ring for polygon in polygons for ring in as_list(polygon)[:1]]
    name = text(named, "name") or text(named, "N03_004")
    return Ward(name, [[_point(point) for point in as_list(ring)] for ring in rings])


def _point(point: object) -> Point:
    longitude, latitude, *_ = as_list(point)
    return float(str(longitude)), float(str(latitude))
