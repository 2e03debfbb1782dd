"""The simulator as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from machi_simulator.config import Config
from machi_simulator.control import Control
from machi_simulator.gate import Gate
from machi_simulator.phone.pages import PhonePages
from machi_simulator.phone.side import SidePages
from machi_simulator.switches import SwitchPages
from machi_simulator.traces.pages import TimelinePages
from machi_simulator.web import Site
from machi_simulator.workspace.pages import WorkspacePages
from machi_simulator.world import World

STATIC = Path(__file__).parent / "static"


def create_app(config: Config) -> ASGIApp:
    """The LINE and Slack stand-ins, their two views and the control API."""
    return application(World(config))


def application(world: World) -> ASGIApp:
    """The same over a world that exists."""

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        await world.open()
        yield
        await world.close()

    site = Site(world.changes)
    phones = PhonePages(world, site)
    routes = [
        Route("/", _front),
        Route("/livez", _alive),
        *world.line.routes(),
        *world.slack.routes(),
        Mount("/_control", routes=Control(world).routes()),
        Mount("/phone", routes=phones.routes()),
        Mount("/phones", routes=SidePages(world, site, phones).routes()),
        Mount("/workspace", routes=WorkspacePages(world, site).routes()),
        Mount("/timeline", routes=TimelinePages(world, site).routes()),
        Route("/live", site.live),
        Route("/view", site.choose, methods=["POST"]),
        Route("/switches", SwitchPages(world.faults, world.changes).press, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Gate(Starlette(routes=routes, lifespan=running), world.calls, world.faults, world.clock)


async def _front(_request: Request) -> Response:
    return RedirectResponse("/phone/")


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok")
