"""What a desk is shown: cards and photos, each showing one line in the access log."""

from dataclasses import dataclass

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.report import Report
from machi_reports.entrypoints.desk_card import Shown, desk_card, moved_card
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import Consents, CurrentCatalogues, Decision
from machi_sdk.clock import Clock
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.rpc import Call
from machi_sdk.work import Works


@dataclass(frozen=True)
class DeskView:
    """Reads a case for its desk."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    consents: Consents
    clock: Clock

    async def card(self, request: wire.CardRequest, call: Call) -> DeskCard:
        """The card as the desk may see it now; Missing for a desk that never held it."""
        wording = Wording(request.language, await self.catalogues.refresh(call.tenant))
        async with self.works.begin(call.tenant) as work:
            report = await work.reports.get(request.card_id)
            if report.desk_id != request.desk_id:
                return await _moved(work, report, request.desk_id, wording)
            await work.accesses.log(report.report_id, "card", f"{call.caller}/desk/{request.desk_id}")
            work.hop("card.shown", report_id=report.report_id, desk_id=request.desk_id)
            entries = await work.reports.conversation(report.report_id)
            photo_ids = await work.photos.of_report(report.report_id)
        receives = await self.receives(report, call.tenant)
        return desk_card(Shown(report, entries, photo_ids, receives, self.clock.now()), wording)

    async def photo(self, request: wire.GetMediaRequest, call: Call) -> bytes:
        """A photo of a case the desk holds; Missing otherwise."""
        async with self.works.begin(call.tenant) as work:
            report = await work.reports.get(request.card_id)
            jpeg = await work.photos.read(request.media_id, report.report_id)
            if jpeg is None or report.desk_id != request.desk_id:
                raise Missing("photo-unknown")
            await work.accesses.log(report.report_id, "photo", f"{call.caller}/desk/{request.desk_id}")
        return jpeg

    async def receives(self, report: Report, tenant: str) -> Decision:
        """Whether the reporter can be messaged: the decision in force, else the one kept with the report."""
        try:
            return await self.consents.receives(tenant, report.filing.citizen_id)
        except Unavailable:
            kept = {True: Decision.GIVEN, False: Decision.REFUSED, None: Decision.NONE}
            return kept[report.filing.messages_allowed]

    async def receives_of_card(self, card_id: str, tenant: str) -> Decision:
        """The same by card; nothing is known about a card that does not exist."""
        try:
            async with self.works.begin(tenant) as work:
                report = await work.reports.get(card_id)
        except Missing:
            return Decision.NONE
        return await self.receives(report, tenant)


async def _moved(work: ReportsWork, report: Report, desk_id: str, wording: Wording) -> DeskCard:
    if not await work.reports.was_at(report.report_id, desk_id):
        raise Missing("card-unknown")
    return moved_card(report, desk_id, wording)
