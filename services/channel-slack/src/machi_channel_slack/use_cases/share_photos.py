"""Photos of a case stand in its card's thread, each once, and leave it when they are gone."""

from collections.abc import Mapping
from dataclasses import replace

from machi.dialogue.v1.desk_card_pb2 import CardPhoto, DeskCard
from machi_channel_slack.domain.cards import CardKey, CardState, PostState
from machi_channel_slack.ports import SlackRefused
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.errors import Missing

Place = tuple[str, str]
SHARED = "shared"
GONE = "gone"


async def share_photos(
    state: CardState, place: Place, card: DeskCard, posts: Mapping[str, PostState], hall: Hall
) -> None:
    """Upload and show what is not shown yet; delete the files of photos that are gone."""
    for photo in card.photos:
        known = posts.get(_item(photo))
        if photo.gone:
            await _take_down(state.key, known, hall)
        elif known is None:
            await _share(state, place, photo, hall)
        elif not known.ts:
            await _after_doubt(state, place, photo, known, hall)


async def _take_down(key: CardKey, known: PostState | None, hall: Hall) -> None:
    if known is not None and known.file_id:
        await hall.slack.delete_file(known.file_id)
        hall.reach("after_file_deleted")
        await hall.cards.keep_post(key, replace(known, ts=GONE, file_id=""))


async def _share(state: CardState, place: Place, photo: CardPhoto, hall: Hall) -> None:
    attempt = PostState(_item(photo), hall.clock.now(), "", "", "")
    try:
        body = await hall.pods.photo(state, photo.media_id)
    except Missing:
        return  # taken back since the card was read: the next card says so
    file_id = await hall.slack.upload(f"{photo.media_id}.jpg", photo.alt_text, body)
    attempt = replace(attempt, file_id=file_id)
    await hall.cards.keep_post(state.key, attempt)
    await _show(state, place, photo, attempt, hall)


async def _after_doubt(state: CardState, place: Place, photo: CardPhoto, known: PostState, hall: Hall) -> None:
    if await hall.slack.is_shared(known.file_id, *place):
        await hall.cards.keep_post(state.key, replace(known, ts=SHARED))
    else:
        await _show(state, place, photo, known, hall)


async def _show(state: CardState, place: Place, photo: CardPhoto, attempt: PostState, hall: Hall) -> None:
    await hall.pace.turn(place[0])
    try:
        await hall.slack.share(attempt.file_id, photo.alt_text or photo.media_id, *place)
    except SlackRefused:
        await hall.cards.drop_post(state.key, attempt.item)
        raise
    await hall.cards.keep_post(state.key, replace(attempt, ts=SHARED))


def _item(photo: CardPhoto) -> str:
    return f"photo:{photo.media_id}"
