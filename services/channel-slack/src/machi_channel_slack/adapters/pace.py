"""One message a second per channel, after a short burst where one is allowed."""

from aiolimiter import AsyncLimiter

# Conversations that are silent are forgotten once there are so many.
MOST_KNOWN = 5_000


class ChannelPace:
    """`ports.Pace`."""

    def __init__(self, burst: int = 1) -> None:
        self._burst = burst
        self._channels: dict[str, AsyncLimiter] = {}

    async def turn(self, channel: str) -> None:
        """Wait for the channel's next turn."""
        if channel not in self._channels:
            self._forget()
            self._channels[channel] = AsyncLimiter(self._burst, self._burst)
        await self._channels[channel].acquire()

    def _forget(self) -> None:
        if len(self._channels) >= MOST_KNOWN:
            known = self._channels.items()
            self._channels = {name: each for name, each in known if not each.has_capacity(self._burst)}
