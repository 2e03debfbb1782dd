"""A digest: one message with a line per card, changed in place as cards get messages of their own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from functools import partial

from machi_channel_slack.domain.cards import CardKey, Desk
from machi_channel_slack.domain.digests import DigestLine, DigestState, LineText
from machi_channel_slack.ports import Rank, SlackRefused
from machi_channel_slack.rendering.digest import digest_message
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.one_message import Slip, room_gone, show_message, wait_turn
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.inbound import FULL


async def show_digest(state: DigestState, hall: Hall) -> None:
    """Post it, or bring it up to date; what its lines say is asked once.

    Unavailable when a pod did not say what lines say, so that it is asked again: a new list is posted before. Where
    the pod was not even asked, for others are asking, the list waits for its turn.
    """
    desk = await hall.desks.desk(state.key.tenant, state.desk_id)
    silent = await _describe(state, desk, hall)
    if silent and (state.ts or silent.slug == FULL):
        raise silent
    channel = state.channel_id or await hall.rooms.of(desk)
    slip = Slip(state.key, state.ts, state.attempted_at, hall.digests)
    await wait_turn(slip, channel, hall, Rank.LIST)
    lines = await _linked(state, await hall.digests.lines(state.key), hall)
    say = partial(hall.texts.say, desk.language)
    message = digest_message(state, lines, say)
    try:
        await show_message(slip, channel, message, hall, "after_digest_posted")
    except SlackRefused as error:
        raise await room_gone(error, slip, channel, desk, hall) from error
    if silent:
        raise silent
    await hall.digests.settled(state.key, state.wanted)


async def _describe(state: DigestState, desk: Desk, hall: Hall) -> Unavailable | None:
    """Ask for what lines say that say nothing yet; a card that is unknown to its pod leaves the list.

    Returns why a pod did not answer; it is not asked for its other lines then.
    """
    silent: dict[str, Unavailable] = {}
    for line in await hall.digests.lines(state.key):
        if line.text is not None or line.pod in silent:
            continue
        key = CardKey(state.key.tenant, line.card_id, state.desk_id)
        card_state = await hall.cards.find(key)
        if card_state is None:
            continue
        try:
            card = await hall.pods.card(card_state, desk.language)
        except Missing:
            await hall.digests.drop(state.key, line.card_id)
            continue
        except Unavailable as error:
            silent[line.pod] = error
            continue
        brief = card.status if card.moved else card.brief or card.title
        text = LineText(card.number or card.card_id, brief, card.opened_at.ToDatetime(UTC), card.opened_ago)
        await hall.digests.describe(state.key, line.card_id, text)
    return next(iter(silent.values()), None)


async def _linked(state: DigestState, lines: Sequence[DigestLine], hall: Hall) -> list[DigestLine]:
    """The lines, each with a link to its card's message where there is one; Slack is asked once for each."""
    return [await _with_link(state, line, hall) if line.ts and not line.link else line for line in lines]


async def _with_link(state: DigestState, line: DigestLine, hall: Hall) -> DigestLine:
    try:
        link = await hall.slack.permalink(line.channel_id, line.ts)
    except SlackRefused:
        return line
    await hall.digests.link(state.key, line.card_id, link)
    return replace(line, link=link)
