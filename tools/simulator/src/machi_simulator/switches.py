"""Switches of the views over planned faults: what the control API offers, one press each."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from machi_simulator.changes import Changes
from machi_simulator.faults import Fault, Faults
from machi_simulator.web import returned, word

LASTING = 1_000_000
PREFIX = "switch"
SLOW = "slow"
SWITCHES: dict[str, list[Fault]] = {
    SLOW: [
        Fault(path="/line*", kind="slow", ms=1500, count=LASTING),
        # Less: a modal is opened while its trigger lives, and a pod waits for that no longer than about a second.
        Fault(path="/slack/*", kind="slow", ms=800, count=LASTING),
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
        on = self._names()
        return [Switch(name, name in on) for name in SWITCHES]

    def on(self) -> int:
        """How many things are planned to go wrong: switches, and faults planned by others."""
        others = [fault for fault in self._pending() if not fault.id.startswith(PREFIX)]
        return sum(switch.on for switch in self.states()) + len(others)

    def turn(self, name: str) -> None:
        """On if it is off, off if it is on. Where two fit, the newer one acts, the slow network last."""
        others = self._names()
        if name in others:
            self._remove(name)
            return
        self._put(name)
        behind = [] if name == SLOW else sorted(others, key=lambda other: other == SLOW)
        for other in behind:
            self._put(other)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def _put(self, name: str) -> None:
        """Behind all other faults."""
        self._remove(name)
        for at, fault in enumerate(SWITCHES[name]):
            self._faults.add(fault.model_copy(update={"id": f"{PREFIX}-{name}-{at}"}))

    def _remove(self, name: str) -> None:
        for at in range(len(SWITCHES[name])):
            self._faults.remove(f"{PREFIX}-{name}-{at}")

    def _names(self) -> list[str]:
        """The switches that are on, in the order of their faults."""
        own = (fault.id.split("-")[1] for fault in self._pending() if fault.id.startswith(PREFIX))
        return list(dict.fromkeys(own))

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
