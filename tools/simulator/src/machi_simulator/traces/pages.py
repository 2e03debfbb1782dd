"""The page with the way of a person's last message."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from machi_simulator.switches import Switches
from machi_simulator.traces.hops import Trails
from machi_simulator.web import Site
from machi_simulator.world import World

LISTED = 50


class TimelinePages:
    """The page of the timeline."""

    def __init__(self, world: World, site: Site) -> None:
        self._residents = world.line.state.residents
        self._members = world.slack.state.users
        self._trails = Trails(world)
        self._switches = Switches(world.faults)
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """The page, and the same as JSON."""
        return [Route("/", self.show), Route("/hops.json", self.hops)]

    async def show(self, request: Request) -> Response:
        """The last message of `user`, or of the newest resident."""
        people = [*self._residents.values()[-LISTED:], *(each for each in self._members.values() if not each.is_bot)]
        wanted = request.query_params.get("user", "")
        newest = next(reversed(self._residents.values()), None)
        person = next((each for each in people if each.id == wanted), newest)
        context: dict[str, object] = {
            "people": people,
            "person": person,
            "trail": self._trails.last(wanted or (newest.id if newest else "")),
            "switches": self._switches.states(),
            "faults_on": self._switches.on(),
        }
        return self._site.page(request, "timeline.html", context)

    async def hops(self, request: Request) -> Response:
        """Steps of the trail, for programs."""
        trail = self._trails.last(request.query_params.get("user", ""))
        steps = [{"step": hop.step, "pod": hop.pod, "after_ms": round(hop.after_ms, 3)} for hop in trail.hops]
        return JSONResponse({"kind": trail.kind, "listening": trail.listening, "hops": steps})
