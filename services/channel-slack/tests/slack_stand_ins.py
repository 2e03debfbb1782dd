"""A workspace that only notes what it is sent, a desk with a room, and a pod whose cards have versions."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import product

from machi.dialogue.v1.desk_card_pb2 import BoardSection, CardPhoto, DeskCard, ThreadEntry
from machi.dialogue.v1.dialogue_service_pb2 import BoardRequest
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.adapters.cards import PostgresCards
from machi_channel_slack.adapters.digests import PostgresDigests
from machi_channel_slack.domain.cards import CardState, Desk, Lane, Mark, SlackMessage
from machi_channel_slack.domain.digests import FloodRule
from machi_channel_slack.entrypoints.jobs import AnyJob, next_job
from machi_channel_slack.ports import DeskPace, Look, Rank, SlackRefused, SlackUncertain
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Unavailable
from machi_sdk.work import Work, Works


class QuietSlack:
    """`ports.Slack`: when something was sent, and what each message shows now.

    Everything is refused with `refusing`, what concerns one message or file with its own word in `refusals`.
    Of a post in `unclear`, counted from 1, nobody hears whether it was made; one that is in `lost`, too, was not.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.posted: list[datetime] = []
        self.changed: list[datetime] = []
        self.shown: dict[str, str] = {}
        self.deleted: list[str] = []
        self.refusing = ""
        self.refusals: dict[str, str] = {}
        self.unclear: set[int] = set()
        self.lost: set[int] = set()
        self._marks: dict[str, Mark | None] = {}

    def _take(self, what: str) -> None:
        if refusal := self.refusing or self.refusals.get(what):
            raise SlackRefused(refusal)

    async def post(self, channel: str, message: SlackMessage, thread_ts: str = "") -> str:
        self._take(channel)
        self.posted.append(self._clock.now())
        ts = str(len(self.posted))
        if len(self.posted) not in self.lost:
            self.shown[ts], self._marks[ts] = message.text, message.mark
        if len(self.posted) in self.unclear:
            raise SlackUncertain("slack-uncertain")
        return ts

    async def update(self, channel: str, ts: str, message: SlackMessage) -> None:
        self._take(ts)
        self.changed.append(self._clock.now())
        self.shown[ts] = message.text

    async def delete(self, channel: str, ts: str) -> None:
        self._take(channel)
        self._take(ts)
        self.deleted.append(ts)
        self.shown.pop(ts, None)

    async def find(self, channel: str, mark: Mark, since: datetime, thread_ts: str = "") -> str:
        wanted = (mark.kind, mark.payload)
        return next((ts for ts, each in self._marks.items() if each and (each.kind, each.payload) == wanted), "")

    async def permalink(self, channel: str, ts: str) -> str:
        return f"https://example.org/{channel}/{ts}"

    async def direct(self, user: str) -> str:
        return f"D{user}"

    async def whisper(self, channel: str, user: str, message: SlackMessage, thread_ts: str = "") -> None: ...

    async def publish_home(self, user: str, view: Mapping[str, object]) -> None: ...

    async def answer(self, response_url: str, message: SlackMessage) -> None: ...

    async def open_view(self, trigger_id: str, view: Mapping[str, object], seconds: float) -> None: ...

    async def upload(self, name: str, alt: str, body: bytes) -> str:
        return "F1"

    async def share(self, file_id: str, title: str, channel: str, thread_ts: str) -> None: ...

    async def is_shared(self, file_id: str, channel: str, thread_ts: str) -> bool:
        return False

    async def delete_file(self, file_id: str) -> None:
        self._take(file_id)
        self.deleted.append(file_id)

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        raise NotImplementedError


async def anything_due(tenant: str, desk_id: str, hall: Hall) -> AnyJob | None:
    """The next job of any lane."""
    for new, at_once in product((True, False), repeat=2):
        if job := await next_job(Lane(new, at_once), tenant, desk_id, hall):
            return job
    return None


class OneRoom:
    """`ports.Rooms`; without a `channel` its name belongs to one we can't see."""

    channel = "C1"

    async def of(self, desk: Desk) -> str:
        if not self.channel:
            raise Unavailable("slack-channel-name-taken")
        return self.channel

    def forget(self, desk: Desk) -> None: ...


class OneDesk:
    """`ports.Desks`."""

    def __init__(self, desk_id: str) -> None:
        self._desk = Desk(desk_id, desk_id, "ja")

    async def desk(self, tenant: str, desk_id: str) -> Desk:
        return self._desk

    async def staff(self, tenant: str, address: str, within: float) -> Staff | None:
        return None


class VersionedPod:
    """`ports.Pods`; of `silent` cards it says nothing, and why."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.silent: set[str] = set()
        self.why = "pod-away"
        self.moved: set[str] = set()
        self.said: defaultdict[str, list[ThreadEntry]] = defaultdict(list)
        self.photos: defaultdict[str, list[CardPhoto]] = defaultdict(list)

    async def card(self, state: CardState, language: str) -> DeskCard:
        if state.key.card_id in self.silent:
            raise Unavailable(self.why)
        version = self.versions[state.key.card_id]
        return DeskCard(
            card_id=state.key.card_id,
            desk_id=state.key.desk_id,
            version=version,
            number=state.key.card_id,
            title=f"v{version}",
            moved=state.key.card_id in self.moved,
            thread=self.said[state.key.card_id],
            photos=self.photos[state.key.card_id],
        )

    async def photo(self, state: CardState, media_id: str) -> bytes:
        return b"photo"

    async def board(self, tenant: str, pod: str, request: BoardRequest) -> Sequence[BoardSection]:
        raise NotImplementedError

    def with_boards(self) -> Sequence[str]:
        raise NotImplementedError


class NoPace:
    """`ports.DeskPace`: every channel's turn is now."""

    async def turn(self, channel: str) -> None: ...

    async def change(self, rank: Rank, anew: Look | None = None) -> None: ...


def a_hall(works: Works[Work], clock: ManualClock, slack: QuietSlack, pod: VersionedPod, pace: DeskPace) -> Hall:
    """All of them, with a real database."""
    return Hall(
        slack=slack,
        rooms=OneRoom(),
        pace=pace,
        cards=PostgresCards(works),
        digests=PostgresDigests(works, FloodRule(cards=1000)),
        desks=OneDesk("lighting"),
        pods=pod,
        texts=TEXTS,
        clock=clock,
        digest=str,
        reach=lambda _: None,
    )
