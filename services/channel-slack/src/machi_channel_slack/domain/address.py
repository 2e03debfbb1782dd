"""Who somebody is on Slack, as the other pods know them."""

from dataclasses import dataclass

CHANNEL = "slack"


@dataclass(frozen=True)
class SlackAddress:
    """A person in a workspace; written `team/user`."""

    team: str
    user: str

    @classmethod
    def read(cls, text: str) -> "SlackAddress":
        """What was written so."""
        team, _, user = text.rpartition("/")
        return cls(team, user)

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.team}/{self.user}"
