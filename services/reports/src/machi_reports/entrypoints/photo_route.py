"""GET /photos/<token>: a photo for whom a desk's short-lived link was made."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.photo import Lying, PhotoClaim
from machi_reports.ports import OldPhoto, PhotoLinks, PhotoStore
from machi_reports.use_cases.read_photo import read_photo
from machi_sdk.clock import Clock
from machi_sdk.errors import Missing
from machi_sdk.work import Works

HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Disposition": 'inline; filename="photo.jpg"',
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True)
class PhotoRoute:
    """Each use leaves a line in the access log, with the officer the link was made for."""

    works: Works[ReportsWork]
    links: PhotoLinks
    store: PhotoStore
    clock: Clock

    async def __call__(self, request: Request) -> Response:
        """The JPEG; Missing for a link that is too old or not ours, and for a photo that is gone or elsewhere now."""
        claim = self.links.claim(str(request.path_params["token"]), self.clock.now())
        if claim is None:
            raise Missing("photo-link-unknown", "this link is no longer valid: open the photo from the card again")
        found = await self._looked_at(claim)
        photo = await read_photo(found, claim.size, self.store)
        return Response(photo, media_type="image/jpeg", headers=HEADERS)

    async def _looked_at(self, claim: PhotoClaim) -> Lying | OldPhoto:
        async with self.works.begin(claim.tenant) as work:
            report = await work.reports.get(claim.report_id)
            found = await work.photos.find(claim.photo_id, claim.report_id)
            if found is None or report.desk_id != claim.desk_id:
                raise Missing("photo-unknown", "the photo is gone, or another desk holds the case")
            await work.accesses.log(report.report_id, "photo", f"link/desk/{claim.desk_id}/staff/{claim.staff_id}")
        return found
