"""What a desk is shown: cards and photos, each showing one line in the access log."""

from contextlib import suppress
from dataclasses import dataclass, replace

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.consent import Decision
from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.photo import PhotoSize
from machi_reports.domain.report import Report
from machi_reports.entrypoints.desk_card import LinkedCases, Shown, desk_card, moved_card
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import Colleagues, Consents, CurrentCatalogues
from machi_reports.use_cases.read_photo import Look, read_photo
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.clock import Clock
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.rpc import Call
from machi_sdk.work import Works

MOST_ALIKE = 10


@dataclass(frozen=True)
class DeskView:
    """Reads a case for its desk; `linked` photos can be opened by links."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    consents: Consents
    colleagues: Colleagues
    shelf: Shelf
    linked: bool
    clock: Clock

    async def card(self, request: wire.CardRequest, call: Call) -> DeskCard:
        """The card as the desk may see it now; Missing for a desk that never held it."""
        wording = Wording(request.language, await self.catalogues.refresh(call.tenant))
        async with self.works.begin(call.tenant) as work:
            report = await work.reports.get(request.card_id)
            photos = await work.photos.of_report(report.report_id)
            if report.desk_id != request.desk_id:
                return await _moved(work, Shown(report, photos=photos), request.desk_id, wording)
            await work.accesses.log(report.report_id, "card", f"{call.caller}/desk/{request.desk_id}")
            work.hop("card.shown", report_id=report.report_id, desk_id=request.desk_id)
            entries = await work.reports.conversation(report.report_id)
            linked_cases = await _linked_cases(work, report)
        receives = await self.receives(report, call.tenant)
        shown = Shown(report, entries, photos, receives, self.linked, linked_cases=linked_cases)
        shown = await self._with_colleagues(shown, call.tenant)
        return desk_card(shown, self.clock.now(), wording)

    async def photo(self, request: wire.GetMediaRequest, call: Call) -> bytes:
        """A photo of a case the desk holds; Missing otherwise."""
        size = PhotoSize.THUMBNAIL if request.size == wire.MEDIA_SIZE_THUMBNAIL else PhotoSize.WHOLE
        look = Look(
            tenant=call.tenant,
            report_id=request.card_id,
            photo_id=request.media_id,
            size=size,
            desk_id=request.desk_id,
            reader=f"{call.caller}/desk/{request.desk_id}",
        )
        return await read_photo(look, self.shelf)

    async def receives(self, report: Report, tenant: str) -> Decision:
        """Whether the reporter can be messaged: the decision in force, else the one kept with the report."""
        try:
            return await self.consents.receives(tenant, report.filing.citizen_id)
        except Unavailable:
            kept = {True: Decision.GIVEN, False: Decision.REFUSED, None: Decision.UNKNOWN}
            return kept[report.filing.messages_allowed]

    async def _with_colleagues(self, shown: Shown, tenant: str) -> Shown:
        """Who is named in it and who works at its desk; while identity was never reached, nobody."""
        with suppress(Unavailable):
            await self.colleagues.refresh(tenant)
        assigned = {entry.text for entry in shown.entries if entry.kind is UpdateKind.ASSIGNMENT}
        names = {one: self.colleagues.name(tenant, one) for one in (*assigned, shown.report.assignee_id)}
        return replace(shown, colleagues=self.colleagues.at_desk(tenant, shown.report.desk_id), names=names)

    async def receives_of_card(self, card_id: str, tenant: str) -> Decision:
        """The same by card; nothing is known about a card that does not exist."""
        try:
            async with self.works.begin(tenant) as work:
                report = await work.reports.get(card_id)
        except Missing:
            return Decision.UNKNOWN
        return await self.receives(report, tenant)


async def _linked_cases(work: ReportsWork, report: Report) -> LinkedCases:
    leading = await work.reports.get(report.leading_id) if report.leading_id else None
    alike = await work.reports.alike(report, MOST_ALIKE) if report.is_open else ()
    return LinkedCases(leading, await work.reports.led_by(report.report_id), alike)


async def _moved(work: ReportsWork, shown: Shown, desk_id: str, wording: Wording) -> DeskCard:
    report_id = shown.report.report_id
    if desk_id not in await work.reports.desks_of(report_id):
        raise Missing("card-unknown")
    return moved_card(replace(shown, entries=await work.reports.conversation(report_id)), desk_id, wording)
