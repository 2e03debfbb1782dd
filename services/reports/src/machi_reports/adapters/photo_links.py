"""Links to photos: what they open stands in them, sealed with the release's key."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime

from machi_reports.domain.photo import PhotoClaim, PhotoSize

PATH = "/photos"
PURPOSE = "photo-link"
_SEAL_SIGNS = 64


class SealedPhotoLinks:
    """`ports.PhotoLinks`; `seal` is `Keys.seal`."""

    def __init__(self, public_url: str, seal: Callable[[str, str], str]) -> None:
        self._public_url = public_url.rstrip("/")
        self._seal = seal

    def link(self, claim: PhotoClaim) -> str:
        """See the port."""
        if not self._public_url:
            return ""
        names = (claim.tenant, claim.report_id, claim.photo_id, claim.size.value, claim.desk_id, claim.staff_id)
        body = json.dumps([*names, int(claim.expires_at.timestamp())], separators=(",", ":"))
        said = base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")
        return f"{self._public_url}{PATH}/{said}.{self._seal(PURPOSE, said)}"

    def claim(self, token: str, now: datetime) -> PhotoClaim | None:
        """See the port."""
        said, _, seal = token.partition(".")
        if not token.isascii() or len(seal) != _SEAL_SIGNS or not hmac.compare_digest(seal, self._seal(PURPOSE, said)):
            return None
        tenant, report_id, photo_id, size, desk_id, staff_id, until = json.loads(
            base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
        )
        expires_at = datetime.fromtimestamp(until, UTC)
        if now >= expires_at:
            return None
        return PhotoClaim(tenant, report_id, photo_id, PhotoSize(size), desk_id, staff_id, expires_at)
