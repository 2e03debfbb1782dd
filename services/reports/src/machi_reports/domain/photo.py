"""A photo of a case: two objects that lie elsewhere, named by one key that nobody can guess."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MOST_PHOTOS = 3
# So many of a person's photos may lie without a report, besides those of the report they are writing.
MOST_LOOSE = 2 * MOST_PHOTOS
# What no report takes by then, and what no photo names by then, is swept.
LOOSE_FOR = timedelta(hours=48)
LINK_LIFE = timedelta(minutes=10)


class PhotoSize(StrEnum):
    """The two objects of a photo."""

    WHOLE = "whole"
    THUMBNAIL = "thumbnail"


class Removal(StrEnum):
    """Why a photo is gone."""

    TAKEN_BACK = "taken-back"
    TOO_OLD = "too-old"


class PhotoVerdict(StrEnum):
    """Why a photo was refused."""

    NOT_A_PHOTO = "not-a-photo"
    TOO_LARGE = "too-large"


@dataclass(frozen=True)
class CleanPhoto:
    """Two new JPEGs of one photo, without anything else it came with."""

    whole: bytes
    thumbnail: bytes


def object_name(key: str, size: PhotoSize) -> str:
    """Where one object of a photo lies in the store."""
    return f"{key}-{size}.jpg"


@dataclass(frozen=True)
class Imprint:
    """How an object is known again: bytes and SHA-256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Imprint":
        """The imprint of these bytes."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Lying:
    """Where a photo lies, and what must lie there."""

    key: str
    whole: Imprint
    thumbnail: Imprint

    def imprint(self, size: PhotoSize) -> Imprint:
        """Of one of its objects."""
        return self.whole if size is PhotoSize.WHOLE else self.thumbnail


@dataclass(frozen=True)
class StoredPhoto:
    """A photo that was written and has no report yet."""

    photo_id: str
    citizen_id: str
    event_id: str
    lying: Lying


@dataclass(frozen=True)
class OldPhoto:
    """A photo whose bytes still lie in its row."""

    photo_id: str
    jpeg: bytes


@dataclass(frozen=True)
class CasePhoto:
    """A photo of a case; one that is gone keeps its place, with the reason."""

    photo_id: str
    removed_at: datetime | None = None
    removal: Removal | None = None

    @property
    def gone(self) -> bool:
        """Whether nobody can see it any more."""
        return self.removed_at is not None


@dataclass(frozen=True)
class PhotoClaim:
    """What a link to a photo says: who may open what, at which desk, until when."""

    tenant: str
    report_id: str
    photo_id: str
    size: PhotoSize
    desk_id: str
    staff_id: str
    expires_at: datetime
