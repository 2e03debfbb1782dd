"""An officer opens the photos of a case: links for a short while, made anew for each press."""

from dataclasses import dataclass, replace

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.photo import LINK_LIFE, PhotoClaim, PhotoSize
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import PhotoLinks
from machi_reports.use_cases.at_desk import DeskCase, at_desk
from machi_sdk import messages as say
from machi_sdk.dialogue import Reply


@dataclass(frozen=True)
class DeskPhotos:
    """Makes the links; the line in the access log is written when one is used."""

    links: PhotoLinks

    async def open(self, work: ReportsWork, case: DeskCase, wording: Wording) -> Reply:
        """One link per photo that is still there; Denied when another desk holds the case."""
        at_desk(await work.reports.get(case.report_id), case)
        photos = [photo for photo in await work.photos.of_report(case.report_id) if not photo.gone]
        if not photos:
            return Reply((say.text(wording.say("press.no-photos")),))
        claim = PhotoClaim(
            tenant=work.tenant,
            report_id=case.report_id,
            photo_id="",
            size=PhotoSize.WHOLE,
            desk_id=case.desk_id,
            staff_id=case.officer.staff_id,
            expires_at=case.at + LINK_LIFE,
        )
        words = say.text(wording.say("press.photos", n=int(LINK_LIFE.total_seconds() // 60)))
        urls = [self.links.link(replace(claim, photo_id=photo.photo_id)) for photo in photos]
        return Reply((words, *(say.link("", wording.photo(n, len(urls)), url) for n, url in enumerate(urls, start=1))))
