"""A person confirmed that two channels are theirs."""

from dataclasses import dataclass

from machi_identity.domain.citizens import Dialogue
from machi_identity.domain.linking import Offer, Refusal, Speaker
from machi_identity.domain.merging import Person
from machi_identity.ports import LinkingCity
from machi_identity.use_cases.check_link import judged
from machi_identity.use_cases.merge_citizens import Act, merge_citizens
from machi_sdk.clock import Clock
from machi_sdk.errors import Missing


@dataclass(frozen=True)
class Linked:
    """The one person they are now, and the dialogue they were in where the code was made; its pod is empty for none.

    `silenced` is true where messages they had allowed on one of the channels are off now.
    """

    person: Person
    begun: Dialogue
    silenced: bool


async def link_channels(
    code_hash: str, speaker: Speaker, act: Act, city: LinkingCity, clock: Clock
) -> Linked | Refusal:
    """Use the code and make the two one; a code that ran out or was used meanwhile links nothing."""
    people = await city.merges.people([speaker.citizen_id])
    if not people:
        raise Missing("citizen-unknown")
    offer = await judged(code_hash, Speaker(people[0].citizen_id, speaker.channel), city, clock)
    if not isinstance(offer, Offer):
        return offer
    focus = await city.citizens.focus(offer.citizen_id)
    merged = await merge_citizens((offer.citizen_id, speaker.citizen_id), act, city, clock)
    await city.codes.use(code_hash, clock.now())
    begun = Dialogue(focus.pod, focus.session_id) if focus else Dialogue()
    return Linked(merged.person, begun, merged.silenced)
