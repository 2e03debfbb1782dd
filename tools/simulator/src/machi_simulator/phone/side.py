"""Several residents beside each other, on LINE and Slack, with the channel of the office that answers them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from machi_simulator.ids import capitals
from machi_simulator.line.model import Resident
from machi_simulator.phone.pages import PhonePages
from machi_simulator.slack.model import Channel, SlackMessage, SlackUser
from machi_simulator.web import Site, returned, say_for, word
from machi_simulator.workspace.office import Office, Sight
from machi_simulator.world import World

HOME = "/phones/"
MOST = 3
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Direct:
    """A member's direct conversation with the app."""

    person: SlackUser
    room: Channel
    messages: list[SlackMessage]


class SidePages:
    """The page of several phones."""

    def __init__(self, world: World, site: Site, phones: PhonePages) -> None:
        self._line = world.line.state
        self._slack = world.slack
        self._site = site
        self._phones = phones
        self._office = Office(world)

    def routes(self) -> list[BaseRoute]:
        """Page and form."""
        return [Route("/", self.show), Route("/members", self.create_member, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """Up to three phones: those named by `user`, or the two newest residents'."""
        newest = [each.id for each in self._line.residents.values()[-2:]]
        query = request.query_params
        wanted = list(dict.fromkeys(query.getlist("user") or newest))[:MOST]
        people = [found for each in wanted if (found := self._line.residents.get(each))]
        members = [each for key in wanted for each in self._office.people() if each.id == key]
        member, rooms, room = self._desk(request)
        chosen: Pairs = [("user", each.id) for each in (*people, *members)]
        tab = query.get("tab", "")
        about: Pairs = [pair for pair in (("channel", room.id if room else ""), ("tab", tab)) if pair[1]]
        context: dict[str, object] = {
            "phones": self._phones.phones(request, people),
            "directs": [Direct(each, self._slack.state.direct(each.id), self._office.said(each)) for each in members],
            "rooms": rooms,
            "notices": {query.get("notice_for", ""): query.get("notice", "")},
            "others": self._others(wanted),
            "full": len(chosen) >= MOST,
            "without": {user: _page([pair for pair in chosen if pair[1] != user] + about) for _, user in chosen},
            "here": HOME,
            "kept": chosen + about,
            "back_here": _page(chosen + about),
        }
        seen = self._office.seen(Sight(member, room, "", say_for(request), tab))
        shared = self._phones.shared() | self._office.shared()
        return self._site.page(request, "phones.html", shared | context | seen)

    def _desk(self, request: Request) -> tuple[SlackUser | None, list[Channel], Channel | None]:
        """The channel asked for, else the newest, as the first of its members has it."""
        people = self._office.people()
        rooms = [each for each in self._office.rooms(*people) if not each.im]
        named = next((each for each in rooms if each.id == request.query_params.get("channel")), None)
        room = named or self._office.newest(rooms)
        inside = [each for each in people if room and each.id in room.members]
        return next(iter(inside or people), None), rooms, room

    def _others(self, wanted: list[str]) -> list[Resident | SlackUser]:
        residents = [each for each in self._line.residents.values()[-50:] if each.id not in wanted]
        return [*residents, *(each for each in self._office.people() if each.id not in wanted)]

    async def create_member(self, request: Request) -> Response:
        """A new member of the workspace, shown beside the others: a resident who writes on Slack."""
        async with request.form() as form:
            name = word(form, "name") or "Guest"
            user = SlackUser(id=capitals("U"), name=name, real_name=name)
            self._slack.officers.add(user)
            return returned(form, HOME, user=user.id)


def _page(query: Pairs) -> str:
    return f"{HOME}?{urlencode(query)}"
