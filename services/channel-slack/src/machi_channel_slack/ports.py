"""What the Slack adapter asks of the world."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Protocol, TypeVar

from machi.dialogue.v1.desk_card_pb2 import BoardSection, DeskCard, Form
from machi.dialogue.v1.dialogue_service_pb2 import BoardRequest
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.domain.cards import Announced, CardKey, CardState, Desk, Lane, Mark, PostState, SlackMessage
from machi_channel_slack.domain.digests import DigestKey, DigestLine, DigestState, LineText, Summary
from machi_sdk.conversation import Content
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.work import Work

Key_contra = TypeVar("Key_contra", contravariant=True)
MENDABLE = {
    *("access_denied", "accesslimited", "account_inactive", "ekm_access_denied", "enterprise_is_restricted"),
    *("invalid_auth", "message_limit_exceeded", "messages_tab_disabled", "missing_scope", "no_permission"),
    *("not_allowed_token_type", "not_authed", "org_login_required", "team_access_not_granted", "token_expired"),
    *("token_revoked", "two_factor_setup_required", "user_is_restricted"),
}


class SlackRefused(Invalid):
    """Slack said no, and nothing happened; `error` is Slack's own name for it."""

    def __init__(self, error: str) -> None:
        super().__init__(f"slack-{error.replace('_', '-')}")
        self.error = error

    @property
    def mendable(self) -> bool:
        """Whether an administrator mends it, whenever: until then everything waits, and nothing is given up."""
        return self.error in MENDABLE or self.error.startswith("restricted_action")


class SlackLimited(Unavailable):
    """Slack did nothing and wants to be asked again after so many seconds; `method` is what it was asked for."""

    def __init__(self, after: float, method: str = "") -> None:
        super().__init__("slack-limited")
        self.after = after
        self.method = method


class SlackUncertain(Unavailable):
    """Nobody knows whether it happened."""


class Slack(Content, Protocol):
    """One workspace."""

    async def direct(self, user: str) -> str:
        """The id of the direct conversation with a person."""
        ...

    async def post(self, channel: str, message: SlackMessage, thread_ts: str = "") -> str:
        """Post; returns the message's ts."""
        ...

    async def update(self, channel: str, ts: str, message: SlackMessage) -> None:
        """Give a message new content."""
        ...

    async def delete(self, channel: str, ts: str) -> None:
        """Remove a message of ours; one that is gone already is fine."""
        ...

    async def find(self, channel: str, mark: Mark, since: datetime, thread_ts: str = "") -> str:
        """The ts of our message with this mark, in the channel or a thread; empty when there is none since then."""
        ...

    async def whisper(self, channel: str, user: str, message: SlackMessage, thread_ts: str = "") -> None:
        """Tell one person in a channel."""
        ...

    async def answer(self, response_url: str, message: SlackMessage) -> None:
        """Tell the person who pressed, by the address their press came with."""
        ...

    async def open_view(self, trigger_id: str, view: Mapping[str, object], seconds: float) -> None:
        """Open a modal for the person whose trigger it is."""
        ...

    async def publish_home(self, user: str, view: Mapping[str, object]) -> None:
        """Give a person's home tab new content."""
        ...

    async def permalink(self, channel: str, ts: str) -> str:
        """The address that opens a message."""
        ...

    async def upload(self, name: str, alt: str, body: bytes) -> str:
        """Upload a file nobody sees yet; returns its id."""
        ...

    async def share(self, file_id: str, title: str, channel: str, thread_ts: str) -> None:
        """Show an uploaded file in a thread."""
        ...

    async def is_shared(self, file_id: str, channel: str, thread_ts: str) -> bool:
        """Whether a thread shows the file."""
        ...

    async def delete_file(self, file_id: str) -> None:
        """Remove a file from wherever it is shown; one that is gone already is fine."""
        ...


class Rooms(Protocol):
    """Channels by the names of desks."""

    async def of(self, desk: Desk) -> str:
        """The id of the desk's channel; found, joined, or made."""
        ...

    def forget(self, desk: Desk) -> None:
        """Look the desk's channel up anew."""
        ...


class Pace(Protocol):
    """How often a channel may get a message."""

    async def turn(self, channel: str) -> None:
        """Wait for the channel's next turn."""
        ...


class Rank(IntEnum):
    """Which of a workspace's changes goes first."""

    AWAITED = 0  # somebody waits for it
    CARD = 1
    LIST = 2


Look = Callable[[], Awaitable[Rank]]


class DeskPace(Pace, Protocol):
    """How often desks' channels may get a message, and how often their messages may be changed."""

    async def change(self, rank: Rank, anew: Look | None = None) -> None:
        """Wait for one of the workspace's turns, behind whatever goes first; `anew` says its rank while it waits."""
        ...


class Desks(Protocol):
    """The directory of staff and desks."""

    async def desk(self, tenant: str, desk_id: str) -> Desk:
        """A desk; Unavailable while identity knows none of that id, or does not answer."""
        ...

    async def staff(self, tenant: str, address: str, within: float) -> Staff | None:
        """The member of staff behind an address; None for strangers, Unavailable when nobody knows."""
        ...


class Pods(Protocol):
    """Pods that own cards."""

    async def card(self, state: CardState, language: str) -> DeskCard:
        """The card as it is now."""
        ...

    def with_boards(self) -> Sequence[str]:
        """The installed pods that announce cards, by name."""
        ...

    async def board(self, tenant: str, pod: str, request: BoardRequest) -> Sequence[BoardSection]:
        """What a member of staff has before them in that pod."""
        ...

    async def photo(self, state: CardState, media_id: str) -> bytes:
        """A photo of the card."""
        ...


class Notes(Protocol[Key_contra]):
    """Where it is written down what became of messages that are changed in place; durable when a call returns."""

    async def attempt(self, key: Key_contra, channel: str, at: datetime) -> None:
        """A first post into a channel is about to be made."""
        ...

    async def unattempt(self, key: Key_contra) -> None:
        """It was refused for certain: nothing was posted."""
        ...

    async def posted(self, key: Key_contra, channel: str, ts: str) -> None:
        """The message is known."""
        ...

    async def lost(self, key: Key_contra) -> None:
        """The message is gone, or out of reach."""
        ...

    async def settled(self, key: Key_contra, version: int) -> None:
        """It was shown in this version, or is given up until there is a newer one."""
        ...

    async def put_off(self, key: Key_contra, due_at: datetime, trouble: str) -> None:
        """Count a try; the next one is not before `due_at`."""
        ...

    async def retry_at(self, key: Key_contra, due_at: datetime, trouble: str) -> None:
        """The try ended: when the next one is due, and why."""
        ...


class Cards(Notes[CardKey], Protocol):
    """What is known of cards and their messages; one that is lost leaves strays."""

    async def find(self, key: CardKey) -> CardState | None:
        """A card."""
        ...

    async def at(self, tenant: str, channel: str, ts: str) -> CardState | None:
        """The card a message shows."""
        ...

    async def desk_in(self, tenant: str, channel: str) -> str:
        """The desk whose cards a channel shows; empty when it shows none."""
        ...

    async def in_doubt(self, tenant: str, channel: str, ts: str) -> bool:
        """Whether a message of a channel may show a card whose place is not known yet: it is no older than the try."""
        ...

    async def places(self, tenant: str, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        """Channel and ts of the messages that show cards, by card and desk; cards without a message are left out."""
        ...

    async def form(self, key: CardKey, action_id: str) -> Form | None:
        """The form of an action as last shown."""
        ...

    async def keep_forms(self, key: CardKey, forms: Mapping[str, Form]) -> None:
        """Keep the forms of a card that is about to be shown."""
        ...

    async def posts(self, key: CardKey) -> Mapping[str, PostState]:
        """What stands in the thread, by item."""
        ...

    async def keep_post(self, key: CardKey, post: PostState) -> None:
        """Something is about to be put into the thread; or, with its `ts`, is there."""
        ...

    async def drop_post(self, key: CardKey, item: str) -> None:
        """It is not there: it was refused for certain, or taken away."""
        ...

    async def waiting(self, tenant: str) -> Mapping[tuple[str, str], int]:
        """How many cards and lists were tried in vain, by desk and the reason of the last try."""
        ...

    async def due(self, tenant: str, now: datetime) -> Sequence[tuple[str, Lane]]:
        """Desks with something to show, and in which lane."""
        ...

    async def hurry(self, key: CardKey) -> None:
        """Somebody waits for it: it goes before others, and out of its list."""
        ...

    async def next_at_once(
        self, tenant: str, desk_id: str, now: datetime, busy: Collection[str], *, new: bool
    ) -> CardState | None:
        """The card that somebody waits for: one without a message, or one to change; `busy` ones are passed over."""
        ...

    async def next_new(
        self, tenant: str, desk_id: str, now: datetime, busy: Collection[str], *, in_flood: bool
    ) -> CardState | None:
        """Of a desk's cards without a message the one that has waited longest; in a flood they wait for their list."""
        ...

    async def next_changed(self, tenant: str, desk_id: str, now: datetime, busy: Collection[str]) -> CardState | None:
        """Of a desk's cards to change the one that has waited longest; first those whose post is in doubt."""
        ...


class Digests(Notes[DigestKey], Protocol):
    """What is known of digests, their lines, and their messages."""

    async def gather(self, tenant: str, desk_id: str, now: datetime) -> bool:
        """Put a desk's new cards into the next digest when it is due; whether they go into digests now."""
        ...

    async def next_new(self, tenant: str, desk_id: str, now: datetime) -> DigestState | None:
        """The oldest digest without a message."""
        ...

    async def next_changed(self, tenant: str, desk_id: str, now: datetime) -> DigestState | None:
        """The digest to change next; first one whose post is in doubt."""
        ...

    async def lines(self, key: DigestKey) -> Sequence[DigestLine]:
        """Its lines, in order."""
        ...

    async def describe(self, key: DigestKey, card_id: str, text: LineText) -> None:
        """Keep what a line says."""
        ...

    async def link(self, key: DigestKey, card_id: str, link: str) -> None:
        """Keep where a line's card stands."""
        ...

    async def drop(self, key: DigestKey, card_id: str) -> None:
        """A card that is none leaves the list."""
        ...


class ListOld(Protocol):
    """Makes the list of a desk's morning, in the consumer's transaction."""

    async def __call__(self, work: Work, summary: Summary) -> None:
        """The same summary again changes nothing."""
        ...


class Announce(Protocol):
    """Notes, in the consumer's transaction, that a desk has something newer to see."""

    async def __call__(self, work: Work, key: CardKey, news: Announced, trace: Mapping[str, str]) -> None:
        """An older version than the known one changes nothing."""
        ...
