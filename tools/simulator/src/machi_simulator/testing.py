"""For tests: the simulator in a thread of this process, and a typed client of its control API.

`Simulator` works against any running simulator, also one in another process.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, TypeAdapter

from machi_simulator.calls import ApiCall, Verdict
from machi_simulator.config import Config
from machi_simulator.courier import Delivery
from machi_simulator.faults import Fault
from machi_simulator.jsontree import as_object, text
from machi_simulator.server import Server
from machi_simulator.testing_line import LineSide
from machi_simulator.testing_slack import SlackSide
from machi_simulator.testing_wire import Wire

T = TypeVar("T")


class Ready(BaseModel):
    """Which webhooks answered."""

    line: bool
    slack: bool


class Simulator:
    """What was received, what goes wrong, and both platforms' people; every method is one control request."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url.rstrip("/")
        self._wire = Wire(self.url, session)
        self.line = LineSide(self._wire)
        self.slack = SlackSide(self._wire)

    @property
    def line_api_url(self) -> str:
        """LINE_API_URL for pods and the SDK's `host`."""
        return f"{self.url}/line"

    @property
    def line_data_api_url(self) -> str:
        """LINE_DATA_API_URL."""
        return f"{self.url}/line-data"

    @property
    def slack_api_url(self) -> str:
        """SLACK_API_URL, the SDK's `base_url`."""
        return f"{self.url}/slack/api/"

    async def received(self, path: str = "", verdict: Verdict | None = None, since: str = "0") -> list[ApiCall]:
        """API requests whose path contains `path`, oldest first; `since` is the id of an earlier one."""
        query = {"path": path, "since": since} | ({"verdict": verdict} if verdict else {})
        return TypeAdapter(list[ApiCall]).validate_python(await self._wire.get("/received", query))

    async def refused(self) -> list[ApiCall]:
        """API requests the platforms' rules refused: a correct client leaves this empty."""
        return TypeAdapter(list[ApiCall]).validate_python(await self._wire.get("/refused"))

    async def webhooks(self, platform: str = "", kind: str = "", state: str = "") -> list[Delivery]:
        """Webhooks with every try; `kind` is an event type, for Slack `events:…`, `interactivity:…`, `commands:…`."""
        wanted = {"platform": platform, "kind": kind, "state": state}
        query = {key: value for key, value in wanted.items() if value}
        return TypeAdapter(list[Delivery]).validate_python(await self._wire.get("/webhooks", query))

    async def redeliver(self, event_id: str) -> None:
        """Send a known webhook once more."""
        await self._wire.post(f"/webhooks/{event_id}/redeliver", {})

    async def plan(self, fault: Fault) -> Fault:
        """Let something go wrong."""
        return Fault.model_validate(await self._wire.post("/faults", fault.model_dump()))

    async def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        await self._wire.delete("/faults")

    async def advance(self, seconds: float) -> None:
        """Let time pass for the platforms."""
        await self._wire.post("/clock", {"seconds": seconds})

    async def hold_time(self, *, stopped: bool = True) -> None:
        """Let no time pass for the platforms (rates don't refill), or let it go on."""
        await self._wire.post("/clock", {"stopped": stopped})

    async def ready(self) -> Ready:
        """Do the webhooks answer (LINE without events, Slack's url_verification)?"""
        return Ready.model_validate(await self._wire.get("/ready"))

    async def traces_address(self) -> str:
        """Where pods send spans that the timeline shows; empty: nowhere."""
        return text(as_object(await self._wire.get("/traces")), "address")

    async def until(self, probe: Callable[[], Awaitable[T]], seconds: float = 60.0, what: str = "") -> T:
        """The first truthy result of `probe`. Raises TimeoutError after `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            result = await probe()
            if result:
                return result
            await asyncio.sleep(0.02)
        raise TimeoutError(what or "what was waited for did not happen")


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Simulator]:
    """A client of a simulator that runs elsewhere."""
    # Shorter than the server keeps a silent connection: a test that was busy elsewhere meets none that was closed.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=2)) as session:
        yield Simulator(url, session)


@asynccontextmanager
async def running(config: Config | None = None) -> AsyncIterator[Simulator]:
    """A simulator in a thread of this process, on a free port; `config` says the rest."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        settings = (config or Config()).model_copy(update={"simulator_address": address})
        server = Server(settings)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            async with connect(f"http://{address}") as simulator:
                await _started(server, thread)
                yield simulator
        finally:
            server.should_exit = True
            await asyncio.to_thread(thread.join, 10)


async def _started(server: Server, thread: threading.Thread) -> None:
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the simulator did not start")
        await asyncio.sleep(0.01)
