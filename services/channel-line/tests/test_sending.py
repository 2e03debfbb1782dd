from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from machi.channel.v1.events_pb2 import InboundEvent
from machi.dialogue.v1.dialogue_service_pb2 import TurnResponse
from machi.identity.v1.identity_service_pb2 import Focus
from machi_channel_line.adapters.judging import judge, judge_reply
from machi_channel_line.domain.budget import HourlyBudget
from machi_channel_line.ports import Pushing, Replied, TokenSpent
from machi_channel_line.use_cases.answer_event import AnswerEvent
from machi_channel_line.use_cases.send_answer import Answerer
from machi_channel_line.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import Answered
from machi_sdk.conversation.turns import ReplyMark, Writer
from machi_sdk.deliveries import Accepted, NotTaken, Outcome, Refused, Unclear
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import PendingEvent

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
    outcomes = [judge(status, message) for status, message in ((401, ""), (403, ""), (429, "monthly limit"), (429, ""))]
    assert [isinstance(each, NotTaken) and each.whole_account for each in outcomes] == [True, True, True, False]


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
        row |= {"pod": "", "reply_mark": "", "reason": reason, "tries": 9, "received_at": since}
        super().__init__(cast("asyncpg.Record", row), cast("Works[Work]", None))
        self.end = ("", "")
        self.freed: list[str] = []

    async def free_reply(self, holder: str) -> None:
        self.freed.append(holder)

    async def first_push(self, now: datetime) -> datetime:
        return now

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


class Turned:
    """`Turns` whose pod has answered; and `Menus` whose database is away."""

    async def answer(self, pending: PendingEvent, content: object, mark: ReplyMark) -> Answered:
        pending.marked = "answer"
        return Answered(Writer("c-1", "ja", Focus(), language_chosen=True), TurnResponse())

    async def wake(self, tenant: str, citizen_id: str, language: str, event_id: str) -> bool:
        raise Unavailable("database-unavailable")


async def test_a_token_that_was_claimed_and_not_used_is_given_back() -> None:
    pending, turned = Asked(timedelta(0), ""), Turned()
    answerer = Answerer(cast("People", None), ManualClock(NOW))
    lines, turns, menus = {"fukuoka": cast("Line", object())}, cast("Turns", turned), cast("Menus", turned)
    event = AnswerEvent(lines, turns, answerer, menus, lambda *_: [], TEXTS)
    with pytest.raises(Unavailable):
        await event.handle(pending)
    assert pending.freed == ["answer"]
