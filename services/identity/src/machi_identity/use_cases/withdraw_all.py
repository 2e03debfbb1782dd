"""A person wants to hear nothing more."""

from machi_identity.domain.consent import Decision, LedgerEntry, Status
from machi_identity.ports import City
from machi_sdk.clock import Clock
from machi_sdk.ids import derived_id, new_id


async def withdraw_all(citizen_id: str, channel: str, event_id: str, city: City, clock: Clock) -> list[LedgerEntry]:
    """Withdraw every consent given, whatever is installed; an empty list means there was none."""
    present = await city.citizens.lock(citizen_id)
    entries = []
    latest = await city.consents.latest(present)
    for purpose, version in [(p, s.notice_version) for p, s in latest.items() if s.status is Status.GIVEN]:
        act = derived_id(event_id, purpose)
        decision = Decision(act, present, purpose, version, Status.WITHDRAWN, channel)
        entries.append(await city.consents.append(decision, new_id(), clock.now()))
    return entries
