"""The workspace view: channels, threads and modals, as an officer has them."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from machi_simulator.ids import capitals, letters
from machi_simulator.jsontree import Json, children
from machi_simulator.phone.acts import MOST_PHOTOS
from machi_simulator.slack.directs import Attached
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.forms import Filled
from machi_simulator.slack.methods_views import home_view
from machi_simulator.slack.model import SlackUser
from machi_simulator.slack.officers import NotThereError, Outcome, Pressed
from machi_simulator.web import Site, back, files_of, returned, say_for, word
from machi_simulator.workspace.blocks import fields
from machi_simulator.workspace.office import Office, Sight
from machi_simulator.world import World

HOME = "/workspace/"


class WorkspacePages:
    """Pages and forms of the workspace."""

    def __init__(self, world: World, site: Site) -> None:
        self._slack = world.slack
        self._state = world.slack.state
        self._site = site
        self._office = Office(world)

    def routes(self) -> list[BaseRoute]:
        """Pages and forms."""
        return [
            Route("/", self.show),
            Route("/file/{file}", self.file),
            Route("/users", self.create_user, methods=["POST"]),
            Route("/channels", self.create_channel, methods=["POST"]),
            Route("/act", self.act, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """A channel as `user` sees it, with a thread beside it and an open modal above it."""
        wanted = request.query_params
        people = self._office.people()
        person = self._state.users.get(wanted.get("user", "")) or (people[0] if people else None)
        rooms = self._office.rooms(*([person] if person else []))
        room = next((each for each in rooms if each.id == wanted.get("channel")), rooms[0] if rooms else None)
        root, at_home = wanted.get("thread", ""), bool(wanted.get("home"))
        home = home_view(self._state, person.id) if person and at_home else None
        tab = wanted.get("tab", "")
        place = {"user": person.id if person else "", "channel": room.id if room else "", "thread": root, "tab": tab}
        context: dict[str, object] = {
            "people": people,
            "rooms": rooms,
            "notice": wanted.get("notice", ""),
            "home": home,
            "home_form": fields(children(home.content, "blocks"), home.filled) if home else [],
            "at_home": at_home,
            "here": HOME,
            "kept": [pair for pair in place.items() if pair[1]],
        }
        seen = self._office.seen(Sight(person, room, root, say_for(request), tab))
        unread = {"unread": self._office.unread(person, rooms)}
        return self._site.page(request, "workspace.html", self._office.shared() | context | seen | unread)

    async def file(self, request: Request) -> Response:
        """An uploaded picture, for the browser."""
        file = self._state.files.get(request.path_params["file"])
        body = self._state.journal.blob(f"slack/{file.id}") if file else None
        kind = file.content_type if file and file.content_type.startswith("image/") else "application/octet-stream"
        headers = {"x-content-type-options": "nosniff", "content-security-policy": "sandbox"}
        return Response(body or b"", 200 if body else 404, headers, kind)

    async def create_user(self, request: Request) -> Response:
        """A new member: no officer of the city until the city says so."""
        async with request.form() as form:
            name = word(form, "name") or "Guest"
            user = SlackUser(id=word(form, "id") or capitals("U"), name=name, real_name=name)
            if self._state.users.get(user.id) is not None:
                return back(HOME, user=word(form, "user"), notice="that user id is taken")
        self._slack.officers.add(user)
        return back(HOME, user=user.id)

    async def create_channel(self, request: Request) -> Response:
        """A new channel; the app is not in it."""
        async with request.form() as form:
            user = word(form, "user")
            try:
                room = self._slack.officers.create_channel(user, word(form, "name"))
            except SlackError as error:
                return back(HOME, user=user, notice=str(error))
        return back(HOME, user=user, channel=room.id)

    async def act(self, request: Request) -> Response:
        """Anything a member does; back to where the form stood, with a notice if it went wrong.

        A tab of the browser gets its name by its first act: a modal shows where it was asked for, as at Slack.
        """
        async with request.form() as form:
            place = {key: word(form, key) for key in ("user", "channel", "thread", "home")}
            tab, notice = word(form, "tab") or letters(8), ""
            try:
                outcome = await self._do(place["user"], tab, form)
                notice = "" if outcome is None or outcome.ok else outcome.errors.get("", "")
            except (NotThereError, SlackError) as error:
                notice = str(error)
            if word(form, "back"):
                return returned(form, HOME, tab=tab, notice=notice, notice_for=notice and place["channel"])
        return back(HOME, **place, tab=tab, notice=notice)

    async def _do(self, user: str, tab: str, form: FormData) -> Outcome | None:
        kind, officers = word(form, "kind"), self._slack.officers
        if word(form, "view"):
            return await self._in_view(user, tab, form)
        if kind == "press":
            used = word(form, "action_id"), word(form, "block_id"), word(form, "value") or None
            return await officers.press(user, word(form, "channel"), word(form, "ts"), Pressed(*used, tab=tab))
        if kind == "home":
            officers.open_home(user)
            return None
        return await self._write(user, tab, form)

    async def _write(self, user: str, tab: str, form: FormData) -> Outcome | None:
        words, officers = word(form, "text").strip(), self._slack.officers
        attached = [Attached(name, kind, body) for body, kind, name in await files_of(form, "file")]
        if attached:
            self._attach(user, form, attached)
        elif words.startswith("/"):
            command, _, rest = words.partition(" ")
            return await officers.command(user, word(form, "channel"), command, rest, tab)
        elif words:
            officers.say(user, word(form, "channel"), words, word(form, "thread"))
        return None

    def _attach(self, user: str, form: FormData, files: list[Attached]) -> None:
        if self._state.direct(user).id != word(form, "channel"):
            raise NotThereError("there is no such channel")
        if len(files) > MOST_PHOTOS:
            raise NotThereError("at most three photos at once")
        self._slack.directs.write(user, word(form, "text").strip(), files, word(form, "thread"))

    async def _in_view(self, user: str, tab: str, form: FormData) -> Outcome:
        officers, view = self._slack.officers, word(form, "view")
        found = self._state.views.get(view)
        blocks = children(found.content, "blocks") if found else []
        if word(form, "press"):
            block, _, action = word(form, "press").partition("|")
            pressed = Pressed(action, block, word(form, "value") or None, _filled(blocks, form), tab)
            return await officers.press_in_view(user, view, pressed)
        if word(form, "kind") == "close":
            return await officers.close(user, view)
        return await officers.submit(user, view, _filled(blocks, form))


def _filled(blocks: list[Json], form: FormData) -> Filled:
    """Answers by block and action; boxes and multiple menus give lists."""
    found: Filled = {}
    for field in fields(blocks):
        kind = str(field.element.get("type"))
        many = kind == "checkboxes" or kind.startswith("multi_")
        words = [value.replace("\r\n", "\n") for value in form.getlist(field.name) if isinstance(value, str)]
        found.setdefault(field.block_id, {})[field.action_id] = words if many else (words[0] if words else "")
    return found
