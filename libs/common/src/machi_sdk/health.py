"""Liveness (the loop answers) and readiness (everything the pod needs is there), with the reason why not."""

from collections.abc import Callable

Check = Callable[[], str | None]


class Health:
    """The pod's readiness checks by name."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.draining = False

    def add(self, name: str, check: Check) -> None:
        """Register a check: None means fine, text says why not."""
        self._checks[name] = check

    def troubles(self) -> dict[str, str]:
        """What keeps the pod from being ready."""
        found = {name: reason for name, check in self._checks.items() if (reason := check())}
        return {"drain": "shutting down", **found} if self.draining else found
