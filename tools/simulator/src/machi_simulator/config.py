"""What the simulator is told from outside, by environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from machi_simulator.slack.scopes import INSTALLED

BOT_USER_ID = "U" + "0" * 31 + "1"


class Config(BaseSettings):
    """Settings by environment variables of the same names in capitals; times in seconds."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    simulator_address: str = "127.0.0.1:7100"
    simulator_line_webhook: str = "http://127.0.0.1:7104/line/webhook"
    simulator_slack_events: str = "http://127.0.0.1:7105/slack/events"
    simulator_slack_interactivity: str = "http://127.0.0.1:7105/slack/interactivity"
    simulator_slack_commands: str = "http://127.0.0.1:7105/slack/commands"
    simulator_state: Path | None = None
    simulator_staff: Path | None = None
    simulator_map: Path | None = None
    # Where to listen for the pods' spans (OTLP over gRPC); empty: not at all.
    simulator_traces_address: str = ""
    simulator_traces: str = ""  # `off`: the pods were told to send their spans elsewhere, or nowhere
    simulator_account: str = "Machi"  # what the account calls itself
    # What a resident's phone can be set to: a language's name by its tag. The first is the city's own.
    simulator_languages: dict[str, str] = {}

    line_channel_secret: str = Field(default="simulated-line-secret")
    line_channel_access_token: str = Field(default="simulated-line-token")
    line_bot_user_id: str = BOT_USER_ID
    slack_signing_secret: str = Field(default="simulated-slack-secret")
    slack_bot_token: str = Field(default="xoxb-simulated")
    slack_team_id: str = "T0MACHI"

    simulator_line_timeout: float = 2.0
    simulator_line_redelivery: bool = True
    simulator_line_redelivery_delays: tuple[float, ...] = (1, 2, 4, 8, *(15.0,) * 16)
    simulator_slack_scopes: tuple[str, ...] = INSTALLED
    simulator_slack_timeout: float = 3.0
    simulator_slack_retry_delays: tuple[float, ...] = (0.5, 10.0, 60.0)

    @property
    def host(self) -> str:
        """The interface listened on."""
        return self.simulator_address.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port listened on."""
        return int(self.simulator_address.rpartition(":")[2])
