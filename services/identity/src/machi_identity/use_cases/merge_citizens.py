"""Two citizens turn out to be one person."""

from dataclasses import dataclass

from machi_identity.domain.citizens import Dialogue
from machi_identity.domain.consent import Decision
from machi_identity.domain.merging import Person, by_age, carried, merged, silenced
from machi_identity.ports import LinkingCity
from machi_sdk.clock import Clock
from machi_sdk.errors import Missing
from machi_sdk.ids import derived_id, new_id


@dataclass(frozen=True)
class Act:
    """What the person did: the event, the channel it came on, the dialogue it ended."""

    event_id: str
    channel: str
    dialogue: Dialogue


@dataclass(frozen=True)
class Merged:
    """The one person, and whether a purpose they had said yes to as one of the two is off now."""

    person: Person
    silenced: bool = False


async def merge_citizens(ids: tuple[str, str], act: Act, city: LinkingCity, clock: Clock) -> Merged:
    """Everything of the younger belongs to the older, whose id stays; the other becomes an alias."""
    people = await city.merges.people(ids)
    if not people:
        raise Missing("citizen-unknown")
    if len(people) == 1:
        return Merged(people[0])
    older, younger = by_age(*people)
    await city.merges.move(younger.citizen_id, older.citizen_id)
    kept, gone = await city.merges.hold(older.citizen_id), await city.merges.hold(younger.citizen_id)
    is_silenced = await _carry_consents(kept.citizen_id, gone.citizen_id, act, city, clock)
    person = merged(kept, gone, act.dialogue)
    await city.merges.settle(person, gone.citizen_id, clock.now())
    return Merged(person, is_silenced)


async def _carry_consents(kept_id: str, gone_id: str, act: Act, city: LinkingCity, clock: Clock) -> bool:
    """Whether what one of the two allowed is off now."""
    kept, gone = await city.consents.latest(kept_id), await city.consents.latest(gone_id)
    for purpose in sorted({*kept, *gone}):
        counts = carried(kept.get(purpose), gone.get(purpose))
        if counts is not None:
            act_id = derived_id(act.event_id, "merge", purpose)
            decision = Decision(act_id, kept_id, purpose, counts.notice_version, counts.status, act.channel)
            await city.consents.append(decision, new_id(), clock.now())
    return any(silenced(kept.get(purpose), gone.get(purpose)) for purpose in {*kept, *gone})
