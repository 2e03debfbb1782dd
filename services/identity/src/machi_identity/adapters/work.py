"""One transaction on identity's database, with everything a use case may ask for."""

from functools import cached_property

from machi_identity.adapters.accesses import PgAccesses
from machi_identity.adapters.citizens import PgCitizens
from machi_identity.adapters.consents import PgConsents, PgNotices
from machi_identity.adapters.directory import Directory
from machi_identity.adapters.link_codes import PgLinkCodes
from machi_identity.adapters.merges import PgMerges
from machi_identity.adapters.pods import PgPods
from machi_sdk.aliases import move_of
from machi_sdk.errors import Conflict, MachiError
from machi_sdk.work import Work

CONSTRAINTS: dict[str, MachiError] = {
    "uq_desks_tenant_name": Conflict("desk-name-taken", "another desk has this name"),
    "uq_staff_tenant_slack_address": Conflict("slack-address-taken", "another member of staff has this address"),
    "uq_consent_ledger_tenant_event_id": Conflict(
        "event-decided-otherwise", "use a fresh event id for another decision"
    ),
    "pk_notices": Conflict("purpose-taken", "another installed pod declares this purpose and version"),
}


class IdentityWork(Work):
    """`ports.LinkingCity` on PostgreSQL."""

    moves = (move_of("links"),)

    @cached_property
    def citizens(self) -> PgCitizens:
        """People and their addresses."""
        return PgCitizens(self)

    @cached_property
    def consents(self) -> PgConsents:
        """The ledger of decisions."""
        return PgConsents(self)

    @cached_property
    def notices(self) -> PgNotices:
        """The notices of the installed pods."""
        return PgNotices(self)

    @cached_property
    def accesses(self) -> PgAccesses:
        """The access log."""
        return PgAccesses(self)

    @cached_property
    def pods(self) -> PgPods:
        """The registry of installed pods."""
        return PgPods(self)

    @cached_property
    def codes(self) -> PgLinkCodes:
        """One-time codes for linking."""
        return PgLinkCodes(self)

    @cached_property
    def merges(self) -> PgMerges:
        """Who becomes whom."""
        return PgMerges(self)

    @cached_property
    def directory(self) -> Directory:
        """The municipality, its desks and staff."""
        return Directory(self)
