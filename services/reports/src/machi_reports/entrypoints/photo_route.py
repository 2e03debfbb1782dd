"""GET /photos/<token>: a photo for whom a desk's short-lived link was made."""

import re
from dataclasses import dataclass
from html import escape

from starlette.requests import Request
from starlette.responses import Response

from machi_reports.domain.photo import LINK_LIFE, PhotoClaim
from machi_reports.entrypoints.wording import TEXTS
from machi_reports.ports import PhotoLinks
from machi_reports.use_cases.read_photo import Look, read_photo
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.errors import Missing
from machi_sdk.language import default_language, meant

HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_NAMED = {"Content-Disposition": 'inline; filename="photo.jpg"'}
_TAG = re.compile(r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2})\s*(?:;|,|$)")
_PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{cure}</p></main></body>
</html>
"""


@dataclass(frozen=True)
class PhotoRoute:
    """Each use leaves a line in the access log, with the officer the link was made for."""

    links: PhotoLinks
    shelf: Shelf

    async def __call__(self, request: Request) -> Response:
        """The JPEG; 404 and a page for a link that is too old or not ours, or a photo that is gone or elsewhere."""
        claim = self.links.claim(str(request.path_params["token"]), self.shelf.clock.now())
        if claim is None:
            return _closed(request)
        try:
            photo = await read_photo(_look(claim), self.shelf)
        except Missing:
            return _closed(request)
        return Response(photo, media_type="image/jpeg", headers=HEADERS | _NAMED)


def _closed(request: Request) -> Response:
    """What officers read who press an old link, in their browser's first language that we know."""
    lang = _language(request.headers.get("accept-language", ""))
    button = TEXTS.say(lang, "action.photos")
    title = TEXTS.say(lang, "photo-page.title")
    cure = TEXTS.say(lang, "photo-page.cure", n=int(LINK_LIFE.total_seconds() // 60), button=button)
    page = _PAGE.format(lang=lang, title=escape(title), cure=escape(cure))
    return Response(page, 404, media_type="text/html", headers=HEADERS)


def _language(accepted: str) -> str:
    said = (found[1] for part in accepted[:200].split(",") if (found := _TAG.match(part)))
    return next(filter(None, map(meant, said)), default_language())


def _look(claim: PhotoClaim) -> Look:
    return Look(
        tenant=claim.tenant,
        report_id=claim.report_id,
        photo_id=claim.photo_id,
        size=claim.size,
        desk_id=claim.desk_id,
        reader=f"link/desk/{claim.desk_id}/staff/{claim.staff_id}",
    )
