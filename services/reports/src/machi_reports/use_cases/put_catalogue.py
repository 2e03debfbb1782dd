"""An operator gives the city its next catalogue."""

from machi_reports.domain.catalogue import Catalogue
from machi_reports.ports import CatalogueDocuments, City


async def put_catalogue(text: str, documents: CatalogueDocuments, city: City) -> Catalogue:
    """Replaced whole; what residents have begun goes on with the version they began with."""
    document = documents.check(text)
    return documents.read(document, await city.catalogues.put(document))
