"""A person decides about one purpose."""

from dataclasses import replace

from machi_identity.domain.consent import Decision, LedgerEntry, Status, answers_notice
from machi_identity.ports import City
from machi_sdk.clock import Clock
from machi_sdk.errors import Conflict, Invalid, Missing
from machi_sdk.ids import new_id


async def decide_consent(decision: Decision, city: City, clock: Clock) -> LedgerEntry:
    """Append the decision; the same act again returns its first entry, another act under its name is a Conflict."""
    if not decision.event_id or decision.status is Status.UNKNOWN:
        raise Invalid("decision-incomplete", "give an event id, and given, refused, or withdrawn")
    present = await city.citizens.lock(decision.citizen_id)
    decision = replace(decision, citizen_id=present)
    known = await city.consents.entry_of(decision.event_id)
    if known is None:
        await _check_notice(decision, city)
        return await city.consents.append(decision, new_id(), clock.now())
    if known.decision != decision:
        raise Conflict("event-decided-otherwise", "use a fresh event id for another decision")
    return known


async def _check_notice(decision: Decision, city: City) -> None:
    notice = await city.notices.current(decision.purpose)
    if notice is None:
        raise Missing("purpose-unknown", "no installed pod declares this purpose")
    if not answers_notice(decision, notice.version):
        raise Conflict("notice-not-current", "show the present notice and ask again")
