"""A photo is looked at."""

from dataclasses import dataclass

from machi_reports.domain.photo import Imprint, Lying, OldPhoto, PhotoSize, object_name
from machi_reports.ports import City
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.errors import Missing
from machi_sdk.telemetry import get_logger

log = get_logger()


@dataclass(frozen=True)
class Look:
    """Which photo, from which desk, and by whom, as the access log has it."""

    tenant: str
    report_id: str
    photo_id: str
    size: PhotoSize
    desk_id: str
    reader: str


async def read_photo(look: Look, shelf: Shelf) -> bytes:
    """The JPEG as it was written, one line in the access log; Missing when it is gone, damaged, or another desk's."""
    async with shelf.begin(look.tenant) as city:
        found = await _seen(look, city)
    if isinstance(found, OldPhoto):
        return found.jpeg  # a small one is made when it is moved
    try:
        content = await shelf.store.get(object_name(found.key, look.size))
    except Missing:
        log.error("a photo's object is missing", object_key=found.key)
        raise
    if Imprint.of(content) != found.imprint(look.size):
        log.error("a photo's object is not what was written", object_key=found.key)
        raise Missing("photo-damaged")
    return content


async def _seen(look: Look, city: City) -> Lying | OldPhoto:
    report = await city.reports.get(look.report_id)
    found = await city.photos.find(look.photo_id, look.report_id)
    if found is None or report.desk_id != look.desk_id:
        raise Missing("photo-unknown", "the photo is gone, or another desk holds the case")
    await city.accesses.log(look.report_id, "photo", look.reader)
    return found
