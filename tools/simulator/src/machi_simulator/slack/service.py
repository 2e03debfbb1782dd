"""The Slack stand-in put together."""

import orjson
import yaml
from starlette.routing import BaseRoute, Mount

from machi_simulator.changes import Changes
from machi_simulator.clock import Clock
from machi_simulator.config import Config
from machi_simulator.courier import Courier
from machi_simulator.journal import Journal
from machi_simulator.jsontree import Json, as_objects, text
from machi_simulator.slack.api import SlackApi
from machi_simulator.slack.directs import Directs
from machi_simulator.slack.model import SlackUser
from machi_simulator.slack.officers import Officers
from machi_simulator.slack.outgoing import Outgoing
from machi_simulator.slack.posting import Posting
from machi_simulator.slack.state import SlackState


class Slack:
    """People of a workspace on one side, the Web API on the other."""

    def __init__(self, config: Config, clock: Clock, journal: Journal, courier: Courier, changes: Changes) -> None:
        self.state = SlackState(config, journal, clock)
        self.events = Outgoing(config, self.state, courier)
        posting = Posting(self.state, self.events, changes)
        self.api = SlackApi(self.state, posting, changes)
        self.officers = Officers(self.state, posting, self.events, self.api)
        self.directs = Directs(self.state, posting)
        if config.simulator_staff is not None:
            source = config.simulator_staff.read_text("utf-8")
            for user in staff(
                orjson.loads(source) if source.lstrip().startswith(("[", "{")) else yaml.safe_load(source)
            ):
                self.officers.add(user)

    def routes(self) -> list[BaseRoute]:
        """Everything under `/slack`."""
        return [Mount("/slack", routes=self.api.routes())]


def staff(listed: object) -> list[SlackUser]:
    """People from a list, or from the `staff` or `users` of an object; keys may be Slack's or Machi's."""
    if isinstance(listed, dict):
        listed = listed.get("staff") or listed.get("users") or []
    found = [(_first(row, "id", "slack_user_id", "slack_user", "slack_id"), row) for row in as_objects(listed)]
    return [
        SlackUser(
            id=user_id,
            name=_first(row, "name", "display_name", "real_name") or user_id,
            real_name=_first(row, "real_name", "full_name", "name"),
            email=text(row, "email"),
        )
        for user_id, row in found
        if user_id
    ]


def _first(row: Json, *keys: str) -> str:
    return next((value for key in keys if (value := text(row, key))), "")
