"""A photo is looked at."""

from machi_reports.domain.photo import Imprint, Lying, PhotoSize, object_name
from machi_reports.ports import OldPhoto, PhotoStore
from machi_sdk.errors import Missing
from machi_sdk.telemetry import get_logger

log = get_logger()


async def read_photo(found: Lying | OldPhoto, size: PhotoSize, store: PhotoStore) -> bytes:
    """The JPEG as it was written; Missing when it is gone or is not what was written."""
    if isinstance(found, OldPhoto):
        return found.jpeg  # a small one is made when it is moved
    try:
        content = await store.get(object_name(found.key, size))
    except Missing:
        log.error("a photo's object is missing", object_key=found.key)
        raise
    if Imprint.of(content) != found.imprint(size):
        log.error("a photo's object is not what was written", object_key=found.key)
        raise Missing("photo-damaged")
    return content
