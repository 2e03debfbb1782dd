"""GET /photos/<token>: a photo for whom a desk's short-lived link was made."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from machi_reports.domain.photo import PhotoClaim
from machi_reports.ports import PhotoLinks
from machi_reports.use_cases.read_photo import Look, read_photo
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.errors import Missing

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

    links: PhotoLinks
    shelf: Shelf

    async def __call__(self, request: Request) -> Response:
        """The JPEG; Missing for a link that is too old or not ours, and for a photo that is gone or elsewhere now."""
        claim = self.links.claim(str(request.path_params["token"]), self.shelf.clock.now())
        if claim is None:
            raise Missing("photo-link-unknown", "this link is no longer valid: open the photo from the card again")
        photo = await read_photo(_look(claim), self.shelf)
        return Response(photo, media_type="image/jpeg", headers=HEADERS)


def _look(claim: PhotoClaim) -> Look:
    return Look(
        tenant=claim.tenant,
        report_id=claim.report_id,
        photo_id=claim.photo_id,
        size=claim.size,
        desk_id=claim.desk_id,
        reader=f"link/desk/{claim.desk_id}/staff/{claim.staff_id}",
    )
