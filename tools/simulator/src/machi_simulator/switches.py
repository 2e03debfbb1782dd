"""Switches of the views over planned faults: what the control API offers, one press each."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from machi_simulator.changes import Changes
from machi_simulator.faults import Fault, Faults
from machi_simulator.web import returned, word

LASTING = 1_000_000
PREFIX = "switch"
SWITCHES: dict[str, list[Fault]] = {
    "slow": [
        Fault(path="/line*", kind="slow", ms=1500, count=LASTING),
        Fault(path="/slack/*", kind="slow", ms=1500, count=LASTING),
        Fault(path="webhook/*", kind="delay", ms=1500, count=LASTING),
    ],
    "line_500": [Fault(path="/line*", kind="status", status=500, count=LASTING)],
    "line_429": [Fault(path="/line*", kind="status", status=429, count=LASTING)],
    "slack_429": [Fault(path="/slack/api/*", kind="status", status=429, retry_after=2, count=LASTING)],
    "lost_once": [Fault(path="webhook/*", kind="drop_try")],
    "twice": [Fault(path="webhook/*", kind="duplicate", count=LASTING)],
    "hang": [Fault(path="/line/v2/bot/message/reply", kind="accept_then_hang", count=LASTING)],
}


@dataclass(frozen=True)
class Switch:
    """One switch and whether it is on."""

    name: str
    on: bool


class Switches:
    """Turns faults on and off by name; the name stands in the faults' ids."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def states(self) -> list[Switch]:
        """All switches."""
        alive = {fault.id.split("-")[1] for fault in self._pending() if fault.id.startswith(PREFIX)}
        return [Switch(name, name in alive) for name in SWITCHES]

    def on(self) -> int:
        """How many things are planned to go wrong: switches, and faults planned by others."""
        others = [fault for fault in self._pending() if not fault.id.startswith(PREFIX)]
        return sum(switch.on for switch in self.states()) + len(others)

    def turn(self, name: str) -> None:
        """On if it is off, off if it is on."""
        was_on = any(switch.on for switch in self.states() if switch.name == name)
        for at, fault in enumerate(SWITCHES[name]):
            key = f"{PREFIX}-{name}-{at}"
            self._faults.remove(key)
            if not was_on:
                self._faults.add(fault.model_copy(update={"id": key}))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def _pending(self) -> list[Fault]:
        return [fault for fault in self._faults.planned() if fault.taken < fault.count]


class SwitchPages:
    """The form of the panel."""

    def __init__(self, faults: Faults, changes: Changes) -> None:
        self._switches = Switches(faults)
        self._changes = changes

    async def press(self, request: Request) -> Response:
        """One switch, or all of them off."""
        async with request.form() as form:
            name = word(form, "switch")
            if name in SWITCHES:
                self._switches.turn(name)
            elif name == "clear":
                self._switches.clear()
            self._changes.notify()
            return returned(form, "/phone/")
