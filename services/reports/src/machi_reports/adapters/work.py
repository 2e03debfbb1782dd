"""One transaction on reports' database, with everything a use case may ask for."""

from functools import cached_property

from machi_reports.adapters.accesses import PgAccesses
from machi_reports.adapters.catalogues import PgCatalogues
from machi_reports.adapters.photo_objects import PgPhotoObjects
from machi_reports.adapters.photos import PgPhotos
from machi_reports.adapters.reminders import PgReminders
from machi_reports.adapters.reports import PgReports
from machi_sdk.aliases import move_of
from machi_sdk.errors import Conflict, MachiError
from machi_sdk.work import Work

CONSTRAINTS: dict[str, MachiError] = {
    "uq_reports_tenant_case_number": Conflict("constraint", "the case number was taken meanwhile"),
}


class ReportsWork(Work):
    """`ports.City` on PostgreSQL."""

    moves = (move_of("reports"), move_of("photos"))

    @cached_property
    def reports(self) -> PgReports:
        """Reports."""
        return PgReports(self)

    @cached_property
    def photos(self) -> PgPhotos:
        """Photos."""
        return PgPhotos(self)

    @cached_property
    def photo_objects(self) -> PgPhotoObjects:
        """The objects of photos."""
        return PgPhotoObjects(self)

    @cached_property
    def reminders(self) -> PgReminders:
        """What desks are reminded of."""
        return PgReminders(self)

    @cached_property
    def accesses(self) -> PgAccesses:
        """The access log."""
        return PgAccesses(self)

    @cached_property
    def catalogues(self) -> PgCatalogues:
        """Catalogues."""
        return PgCatalogues(self)
