"""Ward polygons in memory, one map per catalogue version."""

import asyncio
import json
import math
from collections.abc import Mapping

from machi_reports.adapters.catalogue_documents import ward_geometries
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.domain.report import METRES_PER_DEGREE

# The published polygons are simplified: a point this near to a ward belongs to it.
TOLERANCE_METRES = 300.0
_KEPT_MAPS = 4


class WardShapes:
    """Polygons on a plane in metres around their own middle."""

    def __init__(self, geometries: Mapping[str, Mapping[str, object]]) -> None:
        import shapely  # noqa: PLC0415 (heavy: loaded with the first place somebody sends)

        self._shapely = shapely
        self._codes = list(geometries)
        degrees = [shapely.from_geojson(json.dumps(geometry)) for geometry in geometries.values()]
        self._squeeze = math.cos(math.radians(shapely.GeometryCollection(degrees).centroid.y)) if degrees else 1.0
        scale = (self._squeeze * METRES_PER_DEGREE, METRES_PER_DEGREE)
        self._tree: shapely.STRtree = shapely.STRtree(
            [shapely.transform(shape, lambda at: at * scale) for shape in degrees]
        )

    def ward_at(self, latitude: float, longitude: float) -> str:
        """The ward around or within `TOLERANCE_METRES` of a point; empty when there is none."""
        if not (math.isfinite(latitude) and math.isfinite(longitude)):
            return ""
        point = self._shapely.Point(longitude * self._squeeze * METRES_PER_DEGREE, latitude * METRES_PER_DEGREE)
        near = self._tree.query_nearest(point, max_distance=TOLERANCE_METRES)
        return min((self._codes[index] for index in near), default="")


class PolygonWardMap:
    """`ports.WardMap` over the catalogues in memory."""

    def __init__(self, catalogues: MemoryCatalogues) -> None:
        self._catalogues = catalogues
        self._maps: dict[str, WardShapes] = {}

    async def ward_at(self, reference: str, latitude: float, longitude: float) -> str:
        """See the port."""
        if reference not in self._maps:
            document = self._catalogues.document(reference)
            shapes = await asyncio.to_thread(WardShapes, ward_geometries(document))
            self._maps = dict([*self._maps.items(), (reference, shapes)][-_KEPT_MAPS:])
        return self._maps[reference].ward_at(latitude, longitude)
