"""Cards of desks, and the messages that show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True)
class CardKey:
    """One card as one desk sees it."""

    tenant: str
    card_id: str
    desk_id: str


class Lane(NamedTuple):
    """What a desk has to see goes one of four ways, none of which waits for another.

    A change waits for the workspace's minute, a new message does not; somebody waits for what goes at once.
    """

    new: bool
    at_once: bool


@dataclass(frozen=True)
class Announced:
    """What a pod said of a card: there is this version, whether it may wait, and whether there is nothing to read."""

    pod: str
    version: int
    urgent: bool
    quiet: bool = False


@dataclass(frozen=True)
class CardState:
    """What is known of a card's message; `attempted_at` without `ts` = a post whose end is not known.

    `at_once`: it is urgent, or somebody waits for it.
    """

    key: CardKey
    pod: str
    wanted: int
    shown: int
    channel_id: str
    ts: str
    attempted_at: datetime | None
    trace: Mapping[str, str]
    tries: int
    at_once: bool

    @property
    def never_tried(self) -> bool:
        """Whether nobody in the channel can have seen the card."""
        return not self.ts and self.attempted_at is None


# Names what was left behind when a card's message was lost: a file, or a message as `channel/ts`.
STRAY = "stray:"


@dataclass(frozen=True)
class PostState:
    """One entry or photo in a card's thread; without `ts` a post whose end is not known."""

    item: str
    attempted_at: datetime
    ts: str
    file_id: str
    digest: str


@dataclass(frozen=True)
class Desk:
    """A desk; its name is its channel's."""

    desk_id: str
    name: str
    language: str


@dataclass(frozen=True)
class Mark:
    """How a message of ours is found again: its metadata, or, where none is returned, what its text contains."""

    kind: str
    payload: Mapping[str, str]
    needle: str


@dataclass(frozen=True)
class SlackMessage:
    """Content of a message: text for notifications, blocks for eyes."""

    text: str
    blocks: tuple[Mapping[str, object], ...]
    mark: Mark | None = None
