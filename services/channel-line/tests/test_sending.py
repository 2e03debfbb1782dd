from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from machi.channel.v1.events_pb2 import InboundEvent
from machi.dialogue.v1.dialogue_service_pb2 import TurnResponse
from machi.identity.v1.identity_service_pb2 import Focus, ResolveResponse
from machi_channel_line.adapters.judging import judge, judge_reply
from machi_channel_line.adapters.line_api import LineApi
from machi_channel_line.domain.budget import HourlyBudget
from machi_channel_line.ports import Body, Pushing, Replied, TokenSpent
from machi_channel_line.use_cases.answer_event import AnswerEvent
from machi_channel_line.use_cases.send_answer import Answerer
from machi_channel_line.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import Answered
from machi_sdk.conversation.turns import ReplyMark, Writer
from machi_sdk.deliveries import Accepted, NotTaken, Outcome, Refused, Unclear
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import PendingEvent
from machi_sdk.settings import LineSettings

if TYPE_CHECKING:
    import asyncpg

    from machi_channel_line.ports import Line, Menus
    from machi_sdk.conversation import People, Turns
    from machi_sdk.work import Work, Works

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "message", "outcome"),
    [
        (200, "", Accepted()),
        (409, "The retry key is already accepted", Accepted()),
        (429, "", NotTaken("platform-429")),
        (429, "You have reached your monthly limit.", NotTaken("monthly-limit")),
        (408, "", Unclear("platform-408")),
        (302, "", NotTaken("platform-302")),
        (500, "", Unclear("platform-500")),
        (503, "", Unclear("platform-503")),
        (400, "Invalid reply token", TokenSpent()),
        (400, "The request body has 1 error(s)", Refused("platform-400")),
        (401, "Authentication failed", NotTaken("platform-401")),
        (403, "", NotTaken("platform-403")),
        (404, "", Refused("platform-404")),
    ],
)
def test_what_an_answer_of_line_stands_for(status: int, message: str, outcome: Replied) -> None:
    assert judge_reply(status, message) == outcome


def test_what_concerns_the_whole_account_says_so() -> None:
    answers = ((401, ""), (403, ""), (302, ""), (407, ""), (429, "monthly limit"), (429, ""))
    outcomes = [judge(status, message) for status, message in answers]
    assert [isinstance(each, NotTaken) and each.whole_account for each in outcomes] == [*[True] * 5, False]


def test_an_hour_holds_ninety_changes() -> None:
    budget = HourlyBudget(90)
    assert budget.take(90, NOW)
    assert not budget.take(1, NOW + timedelta(minutes=59))
    assert budget.take(1, NOW + timedelta(hours=1))


class Asked(PendingEvent):
    """An event whose reply token is too old, of that age, and why it was put off; remembers how it ended."""

    def __init__(self, age: timedelta, reason: str) -> None:
        event = InboundEvent(event_id="e-1", address="U1").SerializeToString()
        since = datetime.now(UTC) - age
        row = {"id": 1, "tenant": "fukuoka", "payload": event, "trace": "{}", "state": "turned", "stored": b""}
        row |= {"pod": "", "reply_mark": "", "reason": reason, "tries": 9, "received_at": since, "focus_version": None}
        super().__init__(cast("asyncpg.Record", row), cast("Works[Work]", None))
        self.end = ("", "")
        self.freed: list[str] = []
        self.put_back: list[str] = []

    async def free_reply(self, holder: str) -> None:
        self.freed.append(holder)

    async def claim_notice(self) -> bool:
        return True

    async def first_push(self, now: datetime) -> datetime:
        return now

    async def not_pushed(self, former: str) -> None:
        self.put_back.append(former)

    async def mark(self, state: str, reason: str = "") -> None:
        self.end = (state, reason)


class Spent:
    """Identity, and LINE, which takes no push: any more this month, or by the account's plan."""

    def __init__(self, status: int) -> None:
        self.status = status

    async def in_answer(self, tenant: str, citizen_id: str, event_id: str) -> str:
        return "U1"

    async def push(self, push: Pushing) -> Outcome:
        return judge(self.status, "You have reached your monthly limit.")


@pytest.mark.parametrize(("status", "reason"), [(429, "monthly-limit"), (403, "platform-403")])
async def test_an_answer_for_which_no_push_is_left_lets_the_next_words_through(status: int, reason: str) -> None:
    spent = Spent(status)
    answerer = Answerer(cast("People", spent), ManualClock(NOW))
    minutes = [timedelta(minutes=number) for number in (1, 4)]
    young, first, old = Asked(minutes[0], reason), Asked(minutes[1], "reports-down"), Asked(minutes[1], reason)
    for pending in (young, first):
        with pytest.raises(Unavailable, match=reason):
            await answerer.send(pending, "c-1", [{}], cast("Line", spent))
    await answerer.send(old, "c-1", [{}], cast("Line", spent))
    assert [each.end for each in (young, first, old)] == [("", ""), ("", ""), ("failed", reason)]
    assert [each.put_back for each in (young, first, old)] == [[""]] * 3, "their 23 hours have not begun"


class Turned:
    """`Turns` whose pod has answered; and `Menus` whose database is away."""

    async def answer(self, pending: PendingEvent, content: object, mark: ReplyMark) -> Answered:
        pending.marked = "answer"
        return Answered(Writer("c-1", "ja", Focus(), language_chosen=True), TurnResponse())

    async def wake(self, tenant: str, citizen_id: str, language: str, event_id: str) -> bool:
        raise Unavailable("database-unavailable")

    @property
    def people(self) -> "Turned":
        return self

    async def resolve(self, tenant: str, address: str) -> ResolveResponse:
        return ResolveResponse(language="ja")


async def test_a_token_that_was_claimed_and_not_used_is_given_back() -> None:
    pending, turned = Asked(timedelta(0), ""), Turned()
    answerer = Answerer(cast("People", None), ManualClock(NOW))
    lines, turns, menus = {"fukuoka": cast("Line", object())}, cast("Turns", turned), cast("Menus", turned)
    event = AnswerEvent(lines, turns, answerer, menus, lambda *_: [], TEXTS)
    with pytest.raises(Unavailable):
        await event.handle(pending)
    assert pending.freed == ["answer"]


async def test_what_comes_while_another_module_answers_is_not_answered() -> None:
    pending, turned = Asked(timedelta(0), ""), Turned()
    pending.event.silent = True
    answerer = Answerer(cast("People", None), ManualClock(NOW))
    lines, turns, menus = {"fukuoka": cast("Line", object())}, cast("Turns", turned), cast("Menus", turned)
    await AnswerEvent(lines, turns, answerer, menus, lambda *_: [], TEXTS).handle(pending)
    assert pending.end == ("done", "silent")


class Moved:
    """Identity after "unlink": the address is another citizen's now; and LINE, which takes what is pushed there."""

    def __init__(self) -> None:
        self.pushed: list[str] = []

    async def in_answer(self, tenant: str, citizen_id: str, event_id: str) -> str:
        return "U1" if citizen_id == "c-2" else ""

    async def known(self, tenant: str, address: str) -> ResolveResponse:
        return ResolveResponse(citizen_id="c-2")

    async def push(self, push: Pushing) -> Outcome:
        self.pushed.append(push.address)
        return Accepted()


async def test_the_answer_to_unlinking_comes_though_it_has_to_be_pushed() -> None:
    pending, moved = Asked(timedelta(0), ""), Moved()
    await Answerer(cast("People", moved), ManualClock(NOW)).send(pending, "c-1", [{}], cast("Line", moved))
    assert (moved.pushed, pending.end) == (["U1"], ("done", "pushed"))


class Mute:
    """LINE for an account without pushes; counts what it is told by reply token."""

    def __init__(self, *, takes_pushes: bool) -> None:
        self.takes_pushes = takes_pushes
        self.replies = 0

    async def reply(self, token: str, messages: Sequence[Body]) -> Replied:
        self.replies += 1
        return Accepted()


@pytest.mark.parametrize("takes_pushes", [True, False])
async def test_no_notice_spends_the_only_way_that_an_answer_has(*, takes_pushes: bool) -> None:
    pending, mute = Asked(timedelta(0), ""), Mute(takes_pushes=takes_pushes)
    pending.event.reply_handle = "token"
    pending.event.received_at.FromDatetime(NOW)
    lines, turns = {"fukuoka": cast("Line", mute)}, cast("Turns", Turned())
    answerer = Answerer(cast("People", None), ManualClock(NOW))
    await AnswerEvent(lines, turns, answerer, cast("Menus", None), lambda *_: [], TEXTS).say_waiting(pending)
    assert mute.replies == takes_pushes


async def test_only_a_clear_answer_changes_whether_pushes_are_taken() -> None:
    answers, taken = iter([403, 500, 200, 500]), []

    async def push(_: web.Request) -> web.Response:
        return web.json_response({}, status=next(answers))

    app = web.Application()
    app.router.add_post("/v2/bot/message/push", push)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        account = {"channel_secret": "s", "channel_access_token": "t", "bot_user_id": "U0"}
        line = LineApi(session, LineSettings.model_validate({"api_url": str(server.make_url("/")), **account}))
        for _ in range(4):
            await line.push(Pushing("U1", [{"type": "text", "text": "…"}], "key"))
            taken.append(line.takes_pushes)
    assert taken == [False, False, True, True]
