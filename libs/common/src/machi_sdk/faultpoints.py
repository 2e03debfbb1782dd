"""Named places where a test lets the process die, as a power cut would (`CRASH_AT=<name>[:n]`)."""

import os
import signal


class Faultpoints:
    """Kills the process at the n-th pass of the named place; without a name it does nothing."""

    def __init__(self, crash_at: str) -> None:
        name, _, count = crash_at.partition(":")
        self._name = name
        self._left = int(count or 1)

    def reach(self, name: str) -> None:
        """Pass the place called `name`."""
        if name != self._name:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
