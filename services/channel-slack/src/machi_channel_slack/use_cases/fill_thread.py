"""What is said about a case stands in its card's thread, each entry once."""

from collections.abc import Mapping
from dataclasses import replace

from machi.dialogue.v1.desk_card_pb2 import DeskCard, ThreadEntry
from machi_channel_slack.domain.cards import CardKey, PostState, SlackMessage
from machi_channel_slack.ports import Rank, SlackLimited, SlackRefused
from machi_channel_slack.rendering.thread import entry_message
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.one_message import NO_MESSAGE
from machi_sdk.telemetry import get_logger

Place = tuple[str, str]

log = get_logger()


async def fill_thread(key: CardKey, place: Place, card: DeskCard, posts: Mapping[str, PostState], hall: Hall) -> None:
    """Post missing entries in order; one whose words were taken back is changed where it stands.

    To a desk that no longer holds the work nothing is said anew.
    """
    for entry in card.thread:
        digest = hall.digest(f"{entry.author_label}\n{entry.text}")
        known = posts.get(_item(entry))
        if known is not None and not known.ts:
            known = await _found(key, place, entry, known, hall)
        if known is None:
            if not card.moved:
                await _post(key, place, entry, digest, hall)
        elif known.digest != digest:
            await _change(place[0], known.ts, entry, hall)
            await hall.cards.keep_post(key, replace(known, digest=digest))


async def _post(key: CardKey, place: Place, entry: ThreadEntry, digest: str, hall: Hall) -> None:
    channel, card_ts = place
    message = entry_message(entry)
    attempt = PostState(_item(entry), hall.clock.now(), "", "", digest)
    await hall.cards.keep_post(key, attempt)
    await hall.pace.turn(channel)
    try:
        ts = await hall.slack.post(channel, message, card_ts)
    except (SlackRefused, SlackLimited):
        await hall.cards.drop_post(key, attempt.item)
        raise
    hall.reach("after_entry_posted")
    await hall.cards.keep_post(key, replace(attempt, ts=ts))


async def _change(channel: str, ts: str, entry: ThreadEntry, hall: Hall) -> None:
    """Give an entry its new words; where somebody deleted it, there is nothing left to change."""
    await hall.pace.change(Rank.AWAITED)
    try:
        await hall.slack.update(channel, ts, entry_message(entry))
    except SlackRefused as error:
        if error.error not in NO_MESSAGE:
            raise
        log.warning("entry not changed", entry_id=entry.entry_id, reason=error.slug)


async def _found(key: CardKey, place: Place, entry: ThreadEntry, doubted: PostState, hall: Hall) -> PostState | None:
    """A post whose end was not known, as it stands there; None when it does not."""
    message: SlackMessage = entry_message(entry)
    assert message.mark is not None
    ts = await hall.slack.find(place[0], message.mark, doubted.attempted_at, place[1])
    if not ts:
        return None
    found = replace(doubted, ts=ts)
    await hall.cards.keep_post(key, found)
    return found


def _item(entry: ThreadEntry) -> str:
    return f"entry:{entry.entry_id}"
