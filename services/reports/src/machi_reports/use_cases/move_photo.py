"""A photo whose bytes lie in its row moves to the store."""

from machi_reports.domain.photo import CleanPhoto, Lying, OldPhoto, PhotoVerdict
from machi_reports.ports import PhotoWorker
from machi_reports.use_cases.shelf import Shelf
from machi_reports.use_cases.write_photo import write_photo


async def move_photo(tenant: str, old: OldPhoto, worker: PhotoWorker, shelf: Shelf) -> bool:
    """Can be repeated and killed: until its row names the objects, the row has the bytes. False when it is gone."""
    lying = await _written(tenant, old, worker, shelf)
    async with shelf.begin(tenant) as city:
        return await city.photos.move(old.photo_id, lying)


async def _written(tenant: str, old: OldPhoto, worker: PhotoWorker, shelf: Shelf) -> Lying:
    made = await worker.cleaned(old.jpeg)
    # It was made anew when it came; only the small one is missing.
    thumbnail = old.jpeg if isinstance(made, PhotoVerdict) else made.thumbnail
    return await write_photo(tenant, CleanPhoto(old.jpeg, thumbnail), shelf)
