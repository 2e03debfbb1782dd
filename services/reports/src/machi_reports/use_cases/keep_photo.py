"""A photo came with a message."""

from dataclasses import dataclass

from machi_reports.domain.photo import MOST_LOOSE, CleanPhoto, StoredPhoto
from machi_reports.use_cases.shelf import Shelf
from machi_reports.use_cases.write_photo import write_photo
from machi_sdk.ids import new_id


@dataclass(frozen=True)
class Arrival:
    """The message it came with, and its sender."""

    tenant: str
    citizen_id: str
    event_id: str


async def keep_photo(arrival: Arrival, clean: CleanPhoto, shelf: Shelf) -> str:
    """Once per message; the photo's id. Who sends more than any report takes loses the oldest."""
    lying = await write_photo(arrival.tenant, clean, shelf)
    async with shelf.begin(arrival.tenant) as city:
        photo = StoredPhoto(new_id(), arrival.citizen_id, arrival.event_id, lying)
        now = shelf.clock.now()
        photo_id = await city.photos.add(photo, now)
        await city.photos.drop_beyond(MOST_LOOSE, arrival.citizen_id, now)
        city.hop("photo.stored", photo_id=photo_id)
    return photo_id
