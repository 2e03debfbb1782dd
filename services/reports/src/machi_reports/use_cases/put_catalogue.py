"""An operator gives the city its next catalogue."""

from collections.abc import Mapping

from machi_reports.domain.catalogue import Catalogue
from machi_reports.ports import CatalogueDocuments, City


async def put_catalogue(document: Mapping[str, object], documents: CatalogueDocuments, city: City) -> Catalogue:
    """A checked one, replaced whole; what residents have begun goes on with the version they began with."""
    return documents.read(document, await city.catalogues.put(document))
