"""What the Slack stand-in remembers."""

from typing import Literal

from pydantic import Field

from machi_simulator.journal import Document


class SlackUser(Document):
    """A member of the workspace; the app's own user is one too."""

    name: str
    real_name: str = ""
    email: str = ""
    is_bot: bool = False
    deleted: bool = False
    locale: str = "ja-JP"
    tz: str = "Asia/Tokyo"


class Channel(Document):
    """A channel, or a direct conversation (`im` names the other side)."""

    name: str
    creator: str
    created: int
    members: list[str] = Field(default_factory=list)
    is_private: bool = False
    archived: bool = False
    im: str = ""
    topic: str = ""

    @property
    def kind(self) -> str:
        """As conversations.list names it."""
        return "im" if self.im else "private_channel" if self.is_private else "public_channel"

    def open_to(self, user: str) -> bool:
        """Who is not in a private channel or a direct conversation does not know that there is one."""
        return self.kind == "public_channel" or user in self.members


class SlackMessage(Document):
    """One message; `id` is `channel:ts`. `seen_by` limits an ephemeral one to a single person."""

    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str = ""
    bot_id: str = ""
    blocks: list[dict[str, object]] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)
    edited: str = ""
    seen_by: str = ""
    metadata: dict[str, object] = Field(default_factory=dict)
    reactions: dict[str, list[str]] = Field(default_factory=dict)

    @property
    def root(self) -> str:
        """The ts of the message that begins this thread."""
        return self.thread_ts or self.ts


class Trigger(Document):
    """The right to open one view, for three seconds, in the `tab` of the browser that asked (empty: in all)."""

    user: str
    tab: str = ""
    expires: float
    used: bool = False


class ResponseUrl(Document):
    """An address to answer an interaction: five times, half an hour."""

    user: str
    channel: str
    message_ts: str = ""
    expires: float
    uses: int = 0


class View(Document):
    """A modal or home tab as the app gave it, with what Slack adds, and what the person last filled in."""

    user: str
    kind: Literal["modal", "home"]
    content: dict[str, object]
    hash: str
    previous: str = ""
    root: str = ""
    open: bool = True
    tab: str = ""
    filled: dict[str, dict[str, object]] = Field(default_factory=dict)
    errors: dict[str, str] = Field(default_factory=dict)


class SlackFile(Document):
    """An uploaded file; usable once completed."""

    name: str
    size: int
    title: str = ""
    alt: str = ""
    content_type: str = "application/octet-stream"
    uploaded: bool = False
    completed: bool = False
    channels: list[str] = Field(default_factory=list)
    created: int = 0
