"""What no case has is dropped, and what no row names leaves the store."""

from machi_reports.domain.photo import LOOSE_FOR, PhotoSize, object_name
from machi_reports.use_cases.shelf import Shelf

MOST = 50


async def drop_loose_photos(tenant: str, shelf: Shelf) -> int:
    """Photos that no report took within `LOOSE_FOR`; how many, `MOST` at a time."""
    now = shelf.clock.now()
    async with shelf.begin(tenant) as city:
        return await city.photos.drop_loose(now - LOOSE_FOR, MOST, now)


async def sweep_photo_objects(tenant: str, shelf: Shelf) -> int:
    """Delete what is to be gone; how many photos, `MOST` at a time. What fails or is killed is done again."""
    async with shelf.begin(tenant) as city:
        keys = await city.photo_objects.claim(shelf.clock.now(), MOST)
    if keys:
        shelf.reach("after_photos_claimed")
        await shelf.store.delete([object_name(key, size) for key in keys for size in PhotoSize])
        shelf.reach("after_photos_deleted")
        async with shelf.begin(tenant) as city:
            await city.photo_objects.forget(keys)
    return len(keys)
