"""The answer to a person's own message: by reply token while it is fresh, else by push; never knowingly twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from machi_channel_line.domain.reply_token import token_fresh
from machi_channel_line.ports import MONTHLY_LIMIT, NO_PUSHES, Body, Line, Pushing, Replied, TokenSpent
from machi_channel_line.telemetry import count_answer
from machi_sdk.clock import Clock
from machi_sdk.conversation import People
from machi_sdk.deliveries import Accepted, NotTaken, Refused, Unclear, key_alive
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.ids import derived_id
from machi_sdk.inbound import PUSHED, PendingEvent

ANSWER = "answer"
# So long an answer that could only be pushed holds back the person's next words, which can be replied to.
PUSH_PATIENCE = timedelta(minutes=3)


@dataclass(frozen=True)
class Answerer:
    """Sends answers; every step is durable before the request that depends on it."""

    people: People
    clock: Clock

    async def send(self, pending: PendingEvent, citizen_id: str, messages: Sequence[Body], line: Line) -> None:
        """Take the answer to its end; Unavailable puts it off."""
        if not messages:
            await pending.mark("done", "nothing-to-say")
        elif not await self._replied(pending, messages, line):
            await self._push(pending, citizen_id, messages, line)

    def mark_for(self, pending: PendingEvent) -> str:
        """The reply mark that claims the event's token for its answer; empty when it cannot be used."""
        event, now = pending.event, self.clock.now()
        fresh = token_fresh(event.received_at.ToDatetime(tzinfo=now.tzinfo), now)
        return ANSWER if event.reply_handle and fresh and not pending.reply_mark.startswith(PUSHED) else ""

    async def not_tried(self, pending: PendingEvent) -> None:
        """Give the token back that this try has claimed: something else came between, and no answer was sent."""
        if pending.marked == ANSWER:
            await pending.free_reply(ANSWER)

    async def _replied(self, pending: PendingEvent, messages: Sequence[Body], line: Line) -> bool:
        event = pending.event
        if not self.mark_for(pending):
            return False
        if pending.marked != ANSWER and not await pending.claim_reply(ANSWER):
            return False
        tried_before = pending.reply_mark == ANSWER
        outcome = await line.reply(event.reply_handle, messages)
        if isinstance(outcome, TokenSpent):
            # Spent by our own earlier try whose outcome was unclear: the person has the answer.
            return await _ended(pending, "replied-before") if tried_before else False
        if isinstance(outcome, NotTaken) and not tried_before:
            await pending.free_reply(ANSWER)
        return await _conclude(pending, outcome, "replied")

    async def _push(self, pending: PendingEvent, citizen_id: str, messages: Sequence[Body], line: Line) -> None:
        tenant, event_id = pending.tenant, pending.event.event_id
        address = await self._address(pending, citizen_id)
        if not address:
            count_answer("unreachable")
            await pending.mark("failed", "unreachable")
            return
        now, former = self.clock.now(), pending.reply_mark
        if not key_alive(await pending.first_push(now), now):
            count_answer("unknown")
            await pending.mark("unknown", "retry-key-too-old")
            return
        pushing = Pushing(address, messages, derived_id("line-answer", tenant, event_id))
        how = "pushed-after-unclear-reply" if pending.reply_mark == ANSWER else "pushed"
        outcome = await line.push(pushing)
        if isinstance(outcome, NotTaken) and not former.startswith(PUSHED):
            await pending.not_pushed(former)
        for reason in (MONTHLY_LIMIT, NO_PUSHES):
            if outcome == NotTaken(reason) and pending.waited_for(reason, PUSH_PATIENCE):
                outcome = Refused(reason)
        await _conclude(pending, outcome, how)

    async def _address(self, pending: PendingEvent, citizen_id: str) -> str:
        """Where to push; the event itself, such as "unlink", may have made its address somebody else's."""
        people, tenant, event = self.people, pending.tenant, pending.event
        address = await people.in_answer(tenant, citizen_id, event.event_id)
        if address:
            return address
        try:
            now_theirs = (await people.known(tenant, event.address)).citizen_id
        except Missing:
            return ""
        return "" if now_theirs == citizen_id else await people.in_answer(tenant, now_theirs, event.event_id)


async def _conclude(pending: PendingEvent, outcome: Replied, how: str) -> bool:
    match outcome:
        case Accepted():
            return await _ended(pending, how)
        case NotTaken(reason) | Unclear(reason):
            raise Unavailable(reason)
        case Refused(reason):
            count_answer("refused")
            await pending.mark("failed", reason)
            return True
        case TokenSpent():
            return False
    assert_never(outcome)


async def _ended(pending: PendingEvent, how: str) -> bool:
    count_answer(how)
    await pending.mark("done", how)
    return True
