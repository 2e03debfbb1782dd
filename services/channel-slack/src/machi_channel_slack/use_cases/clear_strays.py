"""What was left behind when a card's message was lost is taken away; the card's new thread says it again."""

from collections.abc import Mapping

from machi_channel_slack.domain.cards import STRAY, CardKey, PostState
from machi_channel_slack.ports import SlackRefused
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.one_message import NO_ROOM
from machi_sdk.telemetry import get_logger

log = get_logger()


async def clear_strays(key: CardKey, posts: Mapping[str, PostState], hall: Hall) -> None:
    """Delete files and messages; those in a channel that we cannot see wait for the card's next version."""
    unseen: set[str] = set()
    for post in posts.values():
        place, _, ts = post.item.removeprefix(STRAY).partition("/")
        if not post.item.startswith(STRAY) or place in unseen:
            continue
        try:
            await (hall.slack.delete(place, ts) if ts else hall.slack.delete_file(place))
        except SlackRefused as error:
            if error.mendable:
                raise
            log.warning("left behind in Slack", place=place, ts=ts, reason=error.slug)
            if error.error in NO_ROOM:
                unseen.add(place)
                continue
        await hall.cards.drop_post(key, post.item)
