"""The control API: act as a person, plan faults, look at what was received. The platforms have no such thing."""

from collections.abc import Awaitable, Callable

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from machi_simulator.control_line import LineControl
from machi_simulator.control_slack import SlackControl
from machi_simulator.faults import Fault
from machi_simulator.journal import Document
from machi_simulator.jsontree import Json, as_object, number, text
from machi_simulator.line.residents import NotPossibleError
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.officers import NotThereError
from machi_simulator.world import World

Handler = Callable[[Request, Json], Awaitable[object]]


class Control:
    """Endpoints under `/_control`; bodies and answers are JSON."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._line = LineControl(world)
        self._slack = SlackControl(world)

    def routes(self) -> list[BaseRoute]:
        """All control endpoints."""
        own: list[tuple[str, str, Handler]] = [
            ("GET", "/received", self.received),
            ("GET", "/refused", self.refused),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("POST", "/clock", self.advance),
            ("GET", "/webhooks", self.webhooks),
            ("POST", "/webhooks/{event}/redeliver", self.redeliver),
            ("GET", "/ready", self.ready),
            ("GET", "/traces", self.traces),
        ]
        return [_route(*each) for each in [*own, *self._line.endpoints(), *self._slack.endpoints()]]

    async def received(self, request: Request, _body: Json) -> object:
        """API requests; `since` (an id), `platform`, `path` (part of it), `verdict` narrow."""
        wanted = request.query_params
        since = int(wanted.get("since", "0"))
        return [
            call
            for call in self._world.calls.all()
            if int(call.id) > since
            and wanted.get("platform") in (None, call.platform)
            and wanted.get("verdict") in (None, call.verdict)
            and wanted.get("path", "") in call.path
        ]

    async def refused(self, _request: Request, _body: Json) -> object:
        """API requests the platforms' rules refused; planned faults are not among them."""
        return [call for call in self._world.calls.all() if call.verdict == "refused"]

    async def faults(self, _request: Request, _body: Json) -> object:
        """Planned and spent faults."""
        return self._world.faults.planned()

    async def add_fault(self, _request: Request, body: Json) -> object:
        """Plan a fault."""
        return self._world.faults.add(Fault.model_validate(body))

    async def clear_faults(self, _request: Request, _body: Json) -> object:
        """Forget all faults."""
        self._world.faults.clear()
        return {}

    async def advance(self, _request: Request, body: Json) -> object:
        """Let time pass for the platforms: {"seconds": …}; or hold it: {"stopped": true}."""
        if "stopped" in body:
            self._world.clock.stop(stopped=body["stopped"] is True)
        self._world.clock.advance(number(body, "seconds") or 0.0)
        return {"now": self._world.clock.now()}

    async def webhooks(self, request: Request, _body: Json) -> object:
        """Webhooks with every try; `platform`, `kind` (its beginning), `state` narrow."""
        wanted = request.query_params
        return [
            delivery
            for delivery in self._world.courier.deliveries.values()
            if wanted.get("platform") in (None, delivery.platform)
            and delivery.kind.startswith(wanted.get("kind", ""))
            and wanted.get("state") in (None, delivery.state)
        ]

    async def redeliver(self, request: Request, _body: Json) -> object:
        """Send a known event once more, marked as LINE and Slack mark it."""
        event = request.path_params["event"]
        found = self._world.line.webhook.redeliver(event) or self._world.slack.events.redeliver(event)
        return {"found": found}

    async def ready(self, _request: Request, _body: Json) -> object:
        """Do both webhooks answer? LINE's without events, Slack's url_verification."""
        line = await self._world.line.webhook.verify()
        return {"line": line.ok, "slack": await self._world.slack.events.verify()}

    async def traces(self, _request: Request, _body: Json) -> object:
        """Where the timeline hears the pods' spans; empty: nowhere."""
        return {"address": self._world.config.simulator_traces_address}


def _route(method: str, path: str, handler: Handler) -> BaseRoute:
    async def handle(request: Request) -> Response:
        try:
            raw = await request.body() if request.method != "GET" else b""
            return _json(await handler(request, as_object(orjson.loads(raw or b"{}"))))
        except (NotPossibleError, NotThereError, SlackError, KeyError) as error:
            return _json({"error": str(error)}, 409)
        except (ValidationError, ValueError) as error:
            return _json({"error": str(error)}, 422)

    return Route(path, handle, methods=[method])


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body, default=_plain), status, media_type="application/json")


def _plain(value: object) -> object:
    if isinstance(value, Document):
        return value.model_dump()
    raise TypeError(text({"type": type(value).__name__}, "type"))
