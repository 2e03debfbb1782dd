"""What waits because it was tried in vain, as one gauge."""

from collections.abc import Mapping

from machi_sdk.telemetry.metrics import gauge


class Waiting:
    """Sets `machi_waiting`; a reason that is gone is zero, and not forgotten at its last figure."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def tell(self, counts: Mapping[tuple[str, str], int]) -> None:
        """How many wait, by what and reason: all that this teller knows of."""
        self._told.update(counts)
        for key in self._told:
            gauge("machi_waiting").labels(*key).set(counts.get(key, 0))
