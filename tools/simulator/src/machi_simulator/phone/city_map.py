"""An offline map: ward polygons as SVG, and the way between its points and coordinates."""

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

import orjson

from machi_simulator.jsontree import Json, as_list, as_object, child, children, text

SIDE = 280
MARGIN = 8
Point = tuple[float, float]


@dataclass(frozen=True)
class Ward:
    """A named area: its rings of (longitude, latitude)."""

    name: str
    rings: list[list[Point]]


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

    def svg(self, marked: tuple[float, float] | None) -> str:
        """The picture, with a pin at a marked place."""
        shapes = "".join(self._ward(ward) for ward in self.wards)
        pin = ""
        if marked is not None:
            x, y = self.to_point(*marked)
            pin = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="#b00020" stroke="#fff" stroke-width="2"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}" viewBox="0 0 {SIDE} {SIDE}">'
            f'<rect width="100%" height="100%" fill="#cfe3ee"/>{shapes}{pin}</svg>'
        )

    def _ward(self, ward: Ward) -> str:
        path = " ".join(self._ring(ring) for ring in ward.rings)
        largest = max(ward.rings, key=len)
        middle = (sum(y for _, y in largest) / len(largest), sum(x for x, _ in largest) / len(largest))
        x, y = self.to_point(*middle)
        return (
            f'<path d="{path}" fill="#f4f1e6" stroke="#5b6770" stroke-width="1"/>'
            f'<text x="{x:.0f}" y="{y:.0f}" font-size="11" text-anchor="middle" fill="#1d2429">'
            f"{escape(ward.name)}</text>"
        )

    def _ring(self, ring: list[Point]) -> str:
        points = (self.to_point(latitude, longitude) for longitude, latitude in ring)
        return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) + "Z"


def read_map(path: Path) -> CityMap:
    """A GeoJSON collection of polygons; a ward's name is its `name` or N03_004."""
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
