"""A person looks at the app's home tab: an officer sees their day, anybody else a kind page."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from machi.dialogue.v1.desk_card_pb2 import BoardSection
from machi.dialogue.v1.dialogue_service_pb2 import BoardRequest
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.domain.address import SlackAddress
from machi_channel_slack.ports import Cards, Desks, Pods, Slack
from machi_channel_slack.rendering.home import Day, day_home, stranger_home
from machi_channel_slack.use_cases.act_for_officer import actor
from machi_sdk.conversation import People
from machi_sdk.errors import MachiError, Missing, Unavailable
from machi_sdk.telemetry import get_logger
from machi_sdk.texts import Texts

MOST_LINES = 8
_STAFF_SECONDS = 2.0
_KNOWN_LINKS = 2_000

log = get_logger()


@dataclass(frozen=True)
class Lobby:
    """What showing homes of one tenant takes; `links` remembers addresses of messages."""

    tenant: str
    slack: Slack
    cards: Cards
    desks: Desks
    people: People
    pods: Pods
    texts: Texts
    links: dict[tuple[str, str], str]


async def show_home(address: str, lobby: Lobby) -> None:
    """Publish the person's page as it is now; Unavailable while identity or Slack is silent."""
    staff = await lobby.desks.staff(lobby.tenant, address, _STAFF_SECONDS)
    language = await _chosen(address, lobby) if staff is None else await _language(staff, lobby)
    say = partial(lobby.texts.say, language)
    view = stranger_home(say) if staff is None else day_home(await _day(staff, language, lobby), say)
    await lobby.slack.publish_home(SlackAddress.read(address).user, view)


async def _day(staff: Staff, language: str, lobby: Lobby) -> Day:
    request = BoardRequest(staff=actor(staff), language=language, most=MOST_LINES)
    asked = [_sections(pod, request, lobby) for pod in lobby.pods.with_boards()]
    answers = await asyncio.gather(*asked)
    sections = [section for answer in answers for section in answer or ()]
    return Day(sections, await _links(sections, lobby), partial=None in answers)


async def _sections(pod: str, request: BoardRequest, lobby: Lobby) -> Sequence[BoardSection] | None:
    """None while the pod is silent, or too old to be asked: the others are shown."""
    try:
        return await lobby.pods.board(lobby.tenant, pod, request)
    except MachiError as error:
        log.warning("board not read", pod=pod, reason=error.slug)
        return None


async def _links(sections: Sequence[BoardSection], lobby: Lobby) -> Mapping[tuple[str, str], str]:
    keys = list({(line.card_id, line.desk_id) for section in sections for line in section.lines})
    places = await lobby.cards.places(lobby.tenant, keys)
    return {key: await _link(place, lobby) for key, place in places.items()}


async def _link(place: tuple[str, str], lobby: Lobby) -> str:
    """Empty when Slack does not say it: the line stands without its button."""
    if place not in lobby.links:
        if len(lobby.links) >= _KNOWN_LINKS:
            lobby.links.clear()
        try:
            lobby.links[place] = await lobby.slack.permalink(*place)
        except MachiError as error:
            log.warning("no link to a card", reason=error.slug)
            return ""
    return lobby.links[place]


async def _chosen(address: str, lobby: Lobby) -> str:
    """The language a resident chose; empty while they did not, or cannot be asked for."""
    try:
        person = await lobby.people.known(lobby.tenant, address)
    except (Missing, Unavailable):
        return ""
    return person.language if person.language_chosen else ""


async def _language(staff: Staff, lobby: Lobby) -> str:
    """The one that the cards of the person's first desk are written in."""
    if not staff.desk_ids:
        return ""
    try:
        return (await lobby.desks.desk(lobby.tenant, staff.desk_ids[0])).language
    except Unavailable:
        return ""
