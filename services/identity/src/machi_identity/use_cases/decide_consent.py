"""A person decides about purposes."""

from collections.abc import Sequence
from dataclasses import replace

from machi_identity.domain.consent import Decision, LedgerEntry, Status, answers_notice
from machi_identity.ports import City
from machi_sdk.clock import Clock
from machi_sdk.errors import Conflict, Invalid, Missing
from machi_sdk.ids import new_id


async def decide_consent(decision: Decision, city: City, clock: Clock) -> LedgerEntry:
    """Append the decision; the same act again returns its first entry, another act under its name is a Conflict."""
    (entry,) = await decide_consents([decision], city, clock)
    return entry


async def decide_consents(decisions: Sequence[Decision], city: City, clock: Clock) -> list[LedgerEntry]:
    """The same for several, in their order; where one of them cannot stand, none is appended."""
    weighed = [await _weigh(decision, city) for decision in decisions]
    return [
        each if isinstance(each, LedgerEntry) else await city.consents.append(each, new_id(), clock.now())
        for each in weighed
    ]


async def _weigh(decision: Decision, city: City) -> Decision | LedgerEntry:
    """The decision to append, or the entry that its act has made already."""
    if not decision.event_id or decision.status is Status.UNKNOWN:
        raise Invalid("decision-incomplete", "give an event id, and given, refused, or withdrawn")
    present = await city.citizens.lock(decision.citizen_id)
    decision = replace(decision, citizen_id=present)
    known = await city.consents.entry_of(decision.event_id)
    if known is None:
        await _check_notice(decision, city)
        return decision
    if known.decision != decision:
        raise Conflict("event-decided-otherwise", "use a fresh event id for another decision")
    return known


async def _check_notice(decision: Decision, city: City) -> None:
    notice = await city.notices.current(decision.purpose)
    if answers_notice(decision, notice.version if notice else None):
        return
    if notice is None:
        raise Missing("purpose-unknown", "no installed pod declares this purpose")
    raise Conflict("notice-not-current", "show the present notice and ask again")
