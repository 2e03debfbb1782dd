"""A fact happened: decide whether and when the person who reported is told."""

from dataclasses import replace
from datetime import datetime

from machi_notifications.domain.delivery import HISTORY, TOO_OLD, Delivery, State
from machi_notifications.domain.fact import News
from machi_notifications.domain.policy import Decision, Later, Now, Policy, behind
from machi_notifications.ports import Letters, Telling
from machi_notifications.telemetry import TOLD
from machi_sdk.ids import derived_id
from machi_sdk.telemetry import counter


async def tell_reporter(work: Telling, news: News, policy: Policy, letters: Letters) -> None:
    """Request, hold, or end the delivery of a piece of news; one that is known already changes nothing."""
    now = work.clock.now()
    held = await work.deliveries.held(news.fact.report_id)
    decision = behind(policy.decide(news.fact.cause, news.fact.occurred_at, now), held)
    delivery = _delivery(work.tenant, news, decision, now)
    quiet = isinstance(decision, Now) and decision.quiet
    letter = b""
    if delivery.state in (State.REQUESTED, State.HELD):
        letter = letters.write(news, delivery, quiet=quiet)
    added = await work.deliveries.add(delivery, letter if delivery.state is State.HELD else b"")
    if added and delivery.state is State.REQUESTED:
        work.request(letter)
    if added and delivery.concluded_at and now - news.fact.occurred_at < HISTORY:
        work.end(delivery)
    work.then(counter(TOLD).labels(news.fact.cause, "quiet" if quiet and letter else delivery.state.value).inc)


def _delivery(tenant: str, news: News, decision: Decision, now: datetime) -> Delivery:
    fact = news.fact
    delivery = Delivery(
        delivery_id=derived_id("delivery", tenant, fact.report_id, str(fact.version), fact.cause),
        citizen_id=news.contact.citizen_id,
        channel=news.contact.channel,
        cause=fact.cause,
        thread=fact.report_id,
        version=fact.version,
        state=State.REQUESTED,
        reason="",
        requested_at=now,
        send_before=decision.send_before,
    )
    if not news.contact.channel:
        return replace(delivery, state=State.FAILED, reason="no-channel", concluded_at=now)
    if isinstance(decision, Now):
        return delivery
    if isinstance(decision, Later):
        return replace(delivery, state=State.HELD, reason="quiet-hours", held_until=decision.until)
    return replace(delivery, state=State.EXPIRED, reason=TOO_OLD, concluded_at=now)
