"""A photo is looked at."""

from machi_reports.domain.photo import Imprint, Lying, PhotoSize, object_name
from machi_reports.ports import OldPhoto, PhotoStore
from machi_sdk.errors import Missing


async def read_photo(found: Lying | OldPhoto, size: PhotoSize, store: PhotoStore) -> bytes:
    """The JPEG as it was written; Missing when it is gone or is not what was written."""
    if isinstance(found, OldPhoto):
        return found.jpeg  # a small one is made when it is moved
    content = await store.get(object_name(found.key, size))
    if Imprint.of(content) != found.imprint(size):
        raise Missing("photo-damaged")
    return content
