"""The LINE stand-in put together."""

from starlette.routing import BaseRoute, Mount

from machi_simulator.changes import Changes
from machi_simulator.clock import Clock
from machi_simulator.config import Config
from machi_simulator.courier import Courier
from machi_simulator.journal import Journal
from machi_simulator.line import schema
from machi_simulator.line.api_account import AccountApi
from machi_simulator.line.api_content import ContentApi
from machi_simulator.line.api_menus import MenusApi
from machi_simulator.line.api_messages import MessagesApi
from machi_simulator.line.door import Door
from machi_simulator.line.residents import Residents
from machi_simulator.line.state import LineState
from machi_simulator.line.webhook import LineWebhook
from machi_simulator.rates import Rates


class Line:
    """Residents on one side, the Messaging API on the other."""

    def __init__(self, config: Config, clock: Clock, journal: Journal, courier: Courier, changes: Changes) -> None:
        self.state = LineState(journal, clock)
        self.webhook = LineWebhook(config, self.state, courier)
        self.residents = Residents(self.state, self.webhook, changes)
        self._messages = MessagesApi(self.state, changes)
        self._account = AccountApi(config, self.state, self.webhook, changes)
        self._menus = MenusApi(self.state, changes)
        self._content = ContentApi(self.state)
        self._door = Door(config.line_channel_access_token, Rates(clock))
        schema.compile_all()

    def routes(self) -> list[BaseRoute]:
        """The API host under `/line`, the data host under `/line-data`."""
        api = [part.routes(self._door) for part in (self._messages, self._account, self._menus)]
        data = [*self._content.routes(self._door), *self._menus.data_routes(self._door)]
        return [
            Mount("/line-data", routes=data),
            Mount("/line", routes=[route for part in api for route in part]),
        ]
