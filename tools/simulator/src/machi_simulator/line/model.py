"""What the LINE stand-in remembers."""

from typing import Literal

from pydantic import Field

from machi_simulator.journal import Document


class Resident(Document):
    """A person with the phone app; `following` means they may be written to."""

    name: str
    language: str = ""
    following: bool = False
    blocked: bool = False
    rich_menu: str | None = None
    draft: str = ""


class ChatMessage(Document):
    """One bubble of a chat. `shown_only` bubbles were never sent (the text a postback button shows).

    `event` is the webhook event a resident's bubble became.
    """

    resident: str
    sender: Literal["resident", "account"]
    at: float
    content: dict[str, object]
    how: Literal["resident", "reply", "push", "multicast"] = "resident"
    unsent: bool = False
    shown_only: bool = False
    event: str = ""


class ReplyToken(Document):
    """The right to answer one event, once, until `expires`."""

    resident: str
    expires: float
    used: bool = False


class RetryEntry(Document):
    """An accepted request that carried a retry key; `id` is the key."""

    path: str
    at: float
    request_id: str
    sent: list[dict[str, object]] = Field(default_factory=list)


class RichMenu(Document):
    """A rich menu; it can be used once it has an image."""

    request: dict[str, object]
    image_type: str = ""


class RichMenuAlias(Document):
    """A second name for a rich menu, for switch actions; `id` is the alias."""

    menu: str


class Media(Document):
    """The photo, video, audio or file of a message; its bytes lie in the journal."""

    content_type: str
    name: str = ""
    expired: bool = False


class Setting(Document):
    """A single remembered value: the default rich menu, the webhook address, the last message number."""

    value: str


class LoadingSign(Document):
    """The "is typing" sign shown to a resident until `until`."""

    until: float
