"""The phone views: one chat with the account, as a resident has it, or several beside each other."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from machi_simulator.line.model import Resident
from machi_simulator.phone.acts import Acts
from machi_simulator.phone.chat import Phone, Phones
from machi_simulator.phone.city_map import Picked, read_map
from machi_simulator.switches import Switches
from machi_simulator.traces.hops import Trails
from machi_simulator.web import Site, returned, say_for, word
from machi_simulator.world import World

HOME = "/phone/"


class PhonePages:
    """The page of one phone, and what every phone is made of."""

    def __init__(self, world: World, site: Site) -> None:
        self._line = world.line
        self._site = site
        self._acts = Acts(world.line.residents)
        self._switches = Switches(world.faults)
        self._trails = Trails(world)
        self._languages = world.config.simulator_languages
        self._account = world.config.simulator_account
        self._map = read_map(world.config.simulator_map)
        self._phones = Phones(world, self._map)

    def routes(self) -> list[BaseRoute]:
        """Pages and forms."""
        return [
            Route("/", self.show),
            Route("/map.svg", self.map),
            Route("/menu/{menu}", self.menu_picture),
            Route("/media/{message}", self.media),
            Route("/residents", self.create, methods=["POST"]),
            Route("/act", self._acts.act, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The chat of `user`, or the newest resident's."""
        people = self._line.state.residents.values()
        person = self._line.state.residents.get(request.query_params.get("user", "")) or next(reversed(people), None)
        phones = self.phones(request, [person] if person else [])
        trail = self._trails.last(person.id) if person else None
        here = {"trail": trail, "here": HOME, "kept": [("user", person.id)] if person else []}
        return self._site.page(request, "phone.html", self.shared() | here | {"people": people, "phones": phones})

    def phones(self, request: Request, people: Sequence[Resident]) -> list[Phone]:
        """These residents' phones."""
        say = say_for(request)
        return [self._phones.show(request, at, person, say) for at, person in enumerate(people)]

    def shared(self) -> dict[str, object]:
        """What every page with phones needs."""
        return {
            "account": self._account,
            "languages": self._languages,
            "map": self._map,
            "switches": self._switches.states(),
            "faults_on": self._switches.on(),
        }

    async def map(self, request: Request) -> Response:
        """The map as a picture, with a pin."""
        if self._map is None:
            return Response("no map", 404)
        picked = Picked.of({**request.query_params}, self._map)
        return Response(self._map.svg(picked), media_type="image/svg+xml")

    async def menu_picture(self, request: Request) -> Response:
        """A rich menu's picture."""
        menu = self._line.state.menus.get(request.path_params["menu"])
        body = self._line.state.journal.blob(menu.id) if menu else None
        return Response(body or b"", 200 if body else 404, media_type=menu.image_type if menu else None)

    async def media(self, request: Request) -> Response:
        """A photo or file of the chat."""
        media = self._line.state.media.get(request.path_params["message"])
        body = self._line.state.journal.blob(f"line/{media.id}") if media else None
        kind = media.content_type if media and media.content_type.startswith("image/") else "application/octet-stream"
        headers = {"x-content-type-options": "nosniff", "content-security-policy": "sandbox"}
        return Response(body or b"", 200 if body else 404, headers, kind)

    async def create(self, request: Request) -> Response:
        """A new resident, shown beside those whose phones were there, or alone."""
        async with request.form() as form:
            person = self._line.residents.create(word(form, "name") or "Resident", word(form, "language"))
            return returned(form, HOME, user=person.id)
