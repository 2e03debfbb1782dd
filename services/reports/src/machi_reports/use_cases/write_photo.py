"""Both objects of a photo are written, before any row names them."""

import secrets

from machi_reports.domain.photo import LOOSE_FOR, CleanPhoto, Imprint, Lying, PhotoSize, object_name
from machi_reports.use_cases.shelf import Shelf


async def write_photo(tenant: str, clean: CleanPhoto, shelf: Shelf) -> Lying:
    """Where it lies now, under a key nobody can guess; it is swept unless a row names it within `LOOSE_FOR`."""
    key = f"{tenant}/{secrets.token_urlsafe(24)}"
    async with shelf.begin(tenant) as city:
        await city.photo_objects.expect(key, shelf.clock.now() + LOOSE_FOR)
    await shelf.store.put(object_name(key, PhotoSize.WHOLE), clean.whole)
    await shelf.store.put(object_name(key, PhotoSize.THUMBNAIL), clean.thumbnail)
    shelf.reach("after_photo_written")
    return Lying(key, Imprint.of(clean.whole), Imprint.of(clean.thumbnail))
