"""Liveness (the loop answers) and readiness (everything the pod needs is there), with the reason why not."""

from collections.abc import Callable

from machi_sdk.telemetry import gauge

Check = Callable[[], str | None]


class Health:
    """The pod's readiness checks by name."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.draining = False

    def add(self, name: str, check: Check) -> None:
        """Register a check: None means fine, text says why not."""
        self._checks[name] = check
        gauge("machi_trouble").labels(name).set_function(lambda: float(check() is not None))

    def troubles(self) -> dict[str, str]:
        """What keeps the pod from being ready."""
        found = {name: reason for name, check in self._checks.items() if (reason := check())}
        return {"drain": "shutting down", **found} if self.draining else found
