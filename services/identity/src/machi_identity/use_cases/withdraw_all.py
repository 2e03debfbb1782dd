"""A person wants to hear nothing more."""

from machi_identity.domain.consent import Decision, LedgerEntry, Status
from machi_identity.ports import City
from machi_sdk.clock import Clock
from machi_sdk.ids import derived_id, new_id


async def withdraw_all(citizen_id: str, channel: str, event_id: str, city: City, clock: Clock) -> list[LedgerEntry]:
    """Withdraw every consent given, whatever is installed, and refuse what they were never asked.

    A question that stands open elsewhere is answered so. An empty list means that all was off.
    """
    present = await city.citizens.lock(citizen_id)
    latest = await city.consents.latest(present)
    ends = [(p, found.notice_version, Status.WITHDRAWN) for p, found in latest.items() if found.status is Status.GIVEN]
    current = await city.notices.all_current()
    ends += [(notice.purpose, notice.version, Status.REFUSED) for notice in current if notice.purpose not in latest]
    decisions = [
        Decision(derived_id(event_id, purpose), present, purpose, version, status, channel)
        for purpose, version, status in ends
    ]
    return [await city.consents.append(decision, new_id(), clock.now()) for decision in decisions]
