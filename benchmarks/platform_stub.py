"""LINE and Slack as cheap as can be: every call is accepted at once and the moment noted."""

import itertools
import time
from dataclasses import dataclass, field

import orjson
from aiohttp import web


@dataclass
class PlatformStub:
    """When each message came: to LINE by reply token or user, to Slack by the words it carries."""

    replied: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    pushed: dict[str, list[tuple[float, bytes]]] = field(default_factory=dict)
    posted: list[tuple[float, str]] = field(default_factory=list)
    address: str = ""
    _serial: "itertools.count[int]" = field(default_factory=itertools.count)

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        path = request.path
        if path.endswith("/message/reply"):
            self.replied.setdefault(orjson.loads(body)["replyToken"], (time.perf_counter(), body))
            return web.json_response({"sentMessages": [{"id": str(next(self._serial))}]})
        if path.endswith("/message/push"):
            self.pushed.setdefault(orjson.loads(body)["to"], []).append((time.perf_counter(), body))
        if path.endswith("chat.postMessage"):
            self.posted.append((time.perf_counter(), body.decode("utf-8", "replace")))
        serial = next(self._serial)
        if "/slack/" in path:
            channel = {"id": f"C{serial:08d}", "name": f"c{serial}"}
            return web.json_response(
                {
                    "ok": True,
                    "ts": f"{serial}.000100",
                    "channel": channel if "conversations" in path else "C1",
                    "channels": [],
                    "messages": [],
                    "user_id": "UBOT",
                    "bot_id": "BBOT",
                    "team_id": "TBENCH",
                }
            )
        if path.endswith("/richmenu/list"):
            return web.json_response({"richmenus": []})
        return web.json_response({"sentMessages": [{"id": str(serial)}], "richMenuId": f"richmenu-{serial:032x}"})
