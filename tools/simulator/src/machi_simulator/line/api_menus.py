"""Rich menus: create, picture, link, default, aliases."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from machi_simulator.changes import Changes
from machi_simulator.jsontree import Json, text, texts
from machi_simulator.line.door import Door, answer, read_json
from machi_simulator.line.errors import LineError, Problem, invalid
from machi_simulator.line.model import Resident, RichMenu, RichMenuAlias
from machi_simulator.line.rules_menus import check_image, check_menu
from machi_simulator.line.state import LineState

CHANGES_AN_HOUR = 100


class MenusApi:
    """Rich menu endpoints of the API host, and the picture on the data host."""

    def __init__(self, state: LineState, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    def routes(self, door: Door) -> list[BaseRoute]:
        """Endpoints of the API host."""
        menu, alias = "/v2/bot/richmenu", "/v2/bot/richmenu/alias"
        everyone, one = "/v2/bot/user/all/richmenu", "/v2/bot/user/{user}/richmenu"
        return [
            door.shared("POST", menu, self.create, CHANGES_AN_HOUR),
            door.route("POST", f"{menu}/validate", self.validate),
            door.route("GET", f"{menu}/list", self.list_all),
            door.route("POST", f"{menu}/bulk/link", self.bulk_link),
            door.route("POST", f"{menu}/bulk/unlink", self.bulk_unlink),
            door.route("POST", alias, self.create_alias),
            door.route("GET", f"{alias}/list", self.list_aliases),
            door.route("GET", f"{alias}/{{alias}}", self.get_alias),
            door.route("POST", f"{alias}/{{alias}}", self.update_alias),
            door.shared("DELETE", f"{alias}/{{alias}}", self.delete_alias, CHANGES_AN_HOUR),
            door.route("GET", f"{menu}/{{menu}}", self.get),
            door.shared("DELETE", f"{menu}/{{menu}}", self.delete, CHANGES_AN_HOUR),
            door.route("POST", f"{everyone}/{{menu}}", self.set_default),
            door.route("GET", everyone, self.get_default),
            door.route("DELETE", everyone, self.cancel_default),
            door.route("POST", f"{one}/{{menu}}", self.link),
            door.route("GET", one, self.linked),
            door.route("DELETE", one, self.unlink),
        ]

    def data_routes(self, door: Door) -> list[BaseRoute]:
        """Endpoints of the data host."""
        path = "/v2/bot/richmenu/{menu}/content"
        return [door.route("POST", path, self.upload), door.route("GET", path, self.download)]

    async def create(self, request: Request) -> Response:
        """A new menu, without a picture yet."""
        body = await read_json(request)
        check_menu(body)
        if len(self._state.menus) >= 1000:
            raise LineError(400, "Maximum number of rich menus exceeded")
        menu = RichMenu(id=f"richmenu-{request.state.request_id.replace('-', '')}", request=body)
        self._state.menus.put(menu)
        return answer({"richMenuId": menu.id})

    async def validate(self, request: Request) -> Response:
        """Say whether a menu would be taken."""
        check_menu(await read_json(request))
        return answer({})

    async def list_all(self, _request: Request) -> Response:
        """All menus."""
        return answer({"richmenus": [_described(menu) for menu in self._state.menus.values()]})

    async def get(self, request: Request) -> Response:
        """One menu."""
        return answer(_described(self._menu(request.path_params["menu"])))

    async def delete(self, request: Request) -> Response:
        """Forget a menu; who had it sees the default."""
        menu = self._menu(request.path_params["menu"])
        self._state.menus.remove(menu.id)
        self._state.journal.drop_blob(menu.id)
        if self._state.setting("default_menu") == menu.id:
            self._state.set("default_menu", "")
        self._changes.notify()
        return answer({})

    async def upload(self, request: Request) -> Response:
        """Give a menu its picture, once."""
        menu = self._menu(request.path_params["menu"])
        if menu.image_type:
            raise LineError(400, "An image has already been uploaded to the richmenu")
        body = await request.body()
        menu.image_type = check_image(menu.request, body, request.headers.get("content-type", "").split(";")[0])
        self._state.journal.put_blob(menu.id, body)
        self._state.menus.put(menu)
        self._changes.notify()
        return answer({})

    async def download(self, request: Request) -> Response:
        """A menu's picture."""
        menu = self._menu(request.path_params["menu"])
        body = self._state.journal.blob(menu.id)
        if body is None:
            raise LineError(404, "Not found")
        return Response(body, media_type=menu.image_type)

    async def set_default(self, request: Request) -> Response:
        """Show a menu to everyone without an own one."""
        self._state.set("default_menu", self._usable(request.path_params["menu"]).id)
        self._changes.notify()
        return answer({})

    async def get_default(self, _request: Request) -> Response:
        """The default menu's id."""
        if not self._state.setting("default_menu"):
            raise LineError(404, "no default richmenu")
        return answer({"richMenuId": self._state.setting("default_menu")})

    async def cancel_default(self, _request: Request) -> Response:
        """No default any more."""
        self._state.set("default_menu", "")
        self._changes.notify()
        return answer({})

    async def link(self, request: Request) -> Response:
        """Show a menu to one person."""
        menu = self._usable(request.path_params["menu"])
        self._give(self._person(request), menu.id)
        return answer({})

    async def linked(self, request: Request) -> Response:
        """The menu linked to one person."""
        person = self._person(request)
        if person.rich_menu is None:
            raise LineError(404, "the user has no richmenu")
        return answer({"richMenuId": person.rich_menu})

    async def unlink(self, request: Request) -> Response:
        """Back to the default for one person."""
        self._give(self._person(request), None)
        return answer({})

    async def bulk_link(self, request: Request) -> Response:
        """Show a menu to up to 500 people."""
        body = await read_json(request)
        menu = self._usable(text(body, "richMenuId"))
        self._give_all(_people(body), menu.id)
        return answer({}, 202)

    async def bulk_unlink(self, request: Request) -> Response:
        """Back to the default for up to 500 people."""
        self._give_all(_people(await read_json(request)), None)
        return answer({}, 202)

    async def create_alias(self, request: Request) -> Response:
        """A second name for a menu."""
        body = await read_json(request)
        menu, alias = self._usable(text(body, "richMenuId")), text(body, "richMenuAliasId")
        if not 1 <= len(alias) <= 32:
            raise invalid([Problem("richMenuAliasId", "Length must be between 1 and 32")])
        if self._state.aliases.get(alias) is not None:
            raise LineError(400, "conflict richmenu alias id")
        self._state.aliases.put(RichMenuAlias(id=alias, menu=menu.id))
        return answer({})

    async def list_aliases(self, _request: Request) -> Response:
        """All second names."""
        return answer({"aliases": [_alias(alias) for alias in self._state.aliases.values()]})

    async def get_alias(self, request: Request) -> Response:
        """What a second name stands for."""
        return answer(_alias(self._alias(request)))

    async def update_alias(self, request: Request) -> Response:
        """Let a second name stand for another menu."""
        alias = self._alias(request)
        alias.menu = self._usable(text(await read_json(request), "richMenuId")).id
        self._state.aliases.put(alias)
        return answer({})

    async def delete_alias(self, request: Request) -> Response:
        """Forget a second name."""
        self._state.aliases.remove(self._alias(request).id)
        return answer({})

    def _menu(self, menu: str) -> RichMenu:
        found = self._state.menus.get(menu)
        if found is None:
            raise LineError(404, "richmenu not found")
        return found

    def _usable(self, menu: str) -> RichMenu:
        found = self._menu(menu)
        if not found.image_type:
            raise LineError(400, "must upload richmenu image before applying it to user")
        return found

    def _alias(self, request: Request) -> RichMenuAlias:
        found = self._state.aliases.get(request.path_params["alias"])
        if found is None:
            raise LineError(404, "richmenu alias not found")
        return found

    def _person(self, request: Request) -> Resident:
        person = self._state.residents.get(request.path_params["user"])
        if person is None:
            raise LineError(400, "The user ID is invalid")
        return person

    def _give_all(self, people: list[str], menu: str | None) -> None:
        for each in people:
            person = self._state.residents.get(each)
            if person is not None:
                self._give(person, menu)

    def _give(self, person: Resident, menu: str | None) -> None:
        person.rich_menu = menu
        self._state.residents.put(person)
        self._changes.notify()


def _described(menu: RichMenu) -> Json:
    return {"richMenuId": menu.id, **menu.request}


def _alias(alias: RichMenuAlias) -> Json:
    return {"richMenuAliasId": alias.id, "richMenuId": alias.menu}


def _people(body: Json) -> list[str]:
    people = texts(body, "userIds")
    if not 1 <= len(people) <= 500:
        raise invalid([Problem("userIds", "Size must be between 1 and 500")])
    return people
