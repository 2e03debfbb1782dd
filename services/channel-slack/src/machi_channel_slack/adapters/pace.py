"""One message a second per channel."""

from collections import defaultdict

from aiolimiter import AsyncLimiter


class ChannelPace:
    """`ports.Pace`."""

    def __init__(self, seconds_between: float = 1.0) -> None:
        self._channels: defaultdict[str, AsyncLimiter] = defaultdict(lambda: AsyncLimiter(1, seconds_between))

    async def turn(self, channel: str) -> None:
        """Wait for the channel's next turn."""
        await self._channels[channel].acquire()
