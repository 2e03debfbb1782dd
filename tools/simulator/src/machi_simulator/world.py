"""Everything the simulator consists of, made once per process."""

import asyncio
from contextlib import suppress

from machi_simulator.calls import Calls
from machi_simulator.changes import Changes
from machi_simulator.clock import Clock
from machi_simulator.config import Config
from machi_simulator.courier import Courier
from machi_simulator.faults import Faults
from machi_simulator.journal import Journal
from machi_simulator.line.service import Line
from machi_simulator.slack.service import Slack
from machi_simulator.traces.receiver import Receiver
from machi_simulator.traces.store import Traces


class World:
    """Both platforms, their people, and what is planned to go wrong."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.journal = Journal(config.simulator_state)
        self.faults = Faults(self.journal)
        self.calls = Calls(self.journal)
        self.changes = Changes()
        self.courier = Courier(self.clock, self.journal, self.faults, self.changes)
        self.traces = Traces()
        self._receiver = Receiver(self.traces, self._heard)
        self.line = Line(config, self.clock, self.journal, self.courier, self.changes)
        self.slack = Slack(config, self.clock, self.journal, self.courier, self.changes)

    async def open(self) -> None:
        """Start sending, beginning with what was pending when the last process stopped."""
        self._loop = asyncio.get_running_loop()
        await self.courier.open()
        if self.config.simulator_traces_address:
            self._receiver.open(self.config.simulator_traces_address)
        self.line.webhook.resume()
        self.slack.events.resume()

    async def close(self) -> None:
        """Stop sending and close the journal."""
        self._receiver.close()
        await self.courier.close()
        self.journal.close()

    def _heard(self) -> None:
        """New spans came, in a thread of the receiver."""
        with suppress(RuntimeError):  # the loop ended meanwhile
            self._loop.call_soon_threadsafe(self.changes.notify)
