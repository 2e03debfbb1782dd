"""The phone view: a chat with the account, as a resident has it."""

from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from machi_simulator.jsontree import Json
from machi_simulator.line import buttons
from machi_simulator.line.buttons import Button
from machi_simulator.line.model import ChatMessage, Resident, RichMenu
from machi_simulator.line.residents import NotPossibleError, Upload
from machi_simulator.phone.city_map import CityMap, read_map
from machi_simulator.phone.menu import Area, areas
from machi_simulator.web import Site, back, file_of, word
from machi_simulator.world import World

HOME = "/phone/"


@dataclass(frozen=True)
class Bubble:
    """A message with the buttons found in it, by identity of their action."""

    message: ChatMessage
    found: list[Button]

    def button(self, action: Json) -> Button | None:
        """The button for an action of this message."""
        return next((button for button in self.found if button.action is action), None)


class PhonePages:
    """Pages and forms of the phone."""

    def __init__(self, world: World) -> None:
        self._line = world.line
        self._clock = world.clock
        self._site = Site(world.changes)
        self._languages = world.config.simulator_languages
        path = world.config.simulator_map
        self._map: CityMap | None = read_map(path) if path is not None and path.exists() else None

    def routes(self) -> list[BaseRoute]:
        """Pages and forms."""
        return [
            Route("/", self.show),
            Route("/live", self._site.live),
            Route("/map.svg", self.map),
            Route("/menu/{menu}", self.menu_picture),
            Route("/media/{message}", self.media),
            Route("/residents", self.create, methods=["POST"]),
            Route("/act", self.act, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The chat of `user`, or the first resident's."""
        wanted = request.query_params
        people = self._line.state.residents.values()
        person = self._line.state.residents.get(wanted.get("user", "")) or (people[-1] if people else None)
        context: dict[str, object] = {
            "people": people,
            "languages": self._languages,
            "person": person,
            "notice": wanted.get("notice", ""),
            "open": wanted.get("open", ""),
            "place": self._place(request),
            "map": self._map is not None,
        }
        return self._site.page("phone.html", context | self._chat(person))

    def _chat(self, person: Resident | None) -> dict[str, object]:
        state = self._line.state
        if person is None:
            return {"bubbles": [], "quick": [], "menu": None, "areas": [], "typing": False}
        chat = state.chat(person.id)
        menu = state.menu_of(person)
        sign = state.loading.get(person.id)
        return {
            "bubbles": [Bubble(message, buttons.of_message(message)) for message in chat],
            "quick": buttons.quick_replies(chat),
            "menu": menu,
            "areas": self._areas(menu, person),
            "typing": sign is not None and sign.until > self._clock.now(),
        }

    def _areas(self, menu: RichMenu | None, person: Resident) -> list[Area]:
        return areas(menu, buttons.of_menu(self._line.state, person)) if menu else []

    def _place(self, request: Request) -> dict[str, str]:
        """The place in the form: typed, or clicked on the map (browsers send the point as at.x and at.y)."""
        query = request.query_params
        x, y = query.get("at.x", ""), query.get("at.y", "")
        if self._map is not None and x.isdecimal() and y.isdecimal() and (x, y) != ("0", "0"):
            latitude, longitude = self._map.to_place(int(x), int(y))
            return {"latitude": str(latitude), "longitude": str(longitude)}
        return {key: query.get(key, "") for key in ("latitude", "longitude")}

    async def map(self, request: Request) -> Response:
        """The map as a picture, with a pin."""
        if self._map is None:
            return Response("no map", 404)
        query = request.query_params
        marked = (float(query["latitude"]), float(query["longitude"])) if query.get("latitude") else None
        return Response(self._map.svg(marked), media_type="image/svg+xml")

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
        """A new resident."""
        async with request.form() as form:
            person = self._line.residents.create(word(form, "name") or "Resident", word(form, "language"))
        return back(HOME, user=person.id)

    async def act(self, request: Request) -> Response:
        """Anything a resident does; back to the chat, with a notice if it was not possible."""
        async with request.form() as form:
            user = word(form, "user")
            notice = ""
            try:
                await self._do(user, word(form, "kind"), form)
            except NotPossibleError as error:
                notice = str(error)
        return back(HOME, user=user, notice=notice)

    async def _do(self, user: str, kind: str, form: FormData) -> None:
        people = self._line.residents
        if kind == "follow":
            people.follow(user)
        elif kind == "block":
            people.block(user)
        elif kind == "sticker":
            people.stick(user)
        elif kind == "unsend":
            people.unsend(user, word(form, "message"))
        elif kind == "press":
            people.press_ref(user, word(form, "ref"), word(form, "value"))
        elif kind == "location":
            people.locate(user, _typed_place(form))
        elif kind == "upload":
            people.upload(user, await _chosen(form))
        else:
            self._say(user, word(form, "text"))

    def _say(self, user: str, words: str) -> None:
        if not words.strip():
            raise NotPossibleError("write something first")
        self._line.residents.set_draft(user, "")
        self._line.residents.say(user, words)


def _typed_place(form: FormData) -> Json:
    try:
        latitude, longitude = float(word(form, "latitude")), float(word(form, "longitude"))
    except ValueError as error:
        raise NotPossibleError("latitude and longitude are numbers such as 33.5902 and 130.4017") from error
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise NotPossibleError("latitude is within ±90, longitude within ±180")
    return {"latitude": latitude, "longitude": longitude, "address": word(form, "address")}


async def _chosen(form: FormData) -> Upload:
    found = await file_of(form, "file")
    if found is None:
        raise NotPossibleError("choose a photo first")
    return Upload(*found)
