"""Everything the simulator consists of, made once per process."""

from machi_simulator.calls import Calls
from machi_simulator.changes import Changes
from machi_simulator.clock import Clock
from machi_simulator.config import Config
from machi_simulator.courier import Courier
from machi_simulator.faults import Faults
from machi_simulator.journal import Journal
from machi_simulator.line.service import Line
from machi_simulator.slack.service import Slack


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
        self.line = Line(config, self.clock, self.journal, self.courier, self.changes)
        self.slack = Slack(config, self.clock, self.journal, self.courier, self.changes)

    async def open(self) -> None:
        """Start sending, beginning with what was pending when the last process stopped."""
        await self.courier.open()
        self.line.webhook.resume()
        self.slack.events.resume()

    async def close(self) -> None:
        """Stop sending and close the journal."""
        await self.courier.close()
        self.journal.close()
