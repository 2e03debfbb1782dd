"""A person typed a code on another channel."""

from machi_identity.domain.linking import Offer, Refusal, Speaker, refusal_of
from machi_identity.ports import LinkingCity
from machi_sdk.clock import Clock


async def check_link(
    code_hash: str, speaker: Speaker, event_id: str, city: LinkingCity, clock: Clock
) -> Offer | Refusal:
    """Whose code it is, or why it links nothing. Wrong ones are counted, one per event; five bring a pause."""
    present = await city.citizens.lock(speaker.citizen_id)
    misses = await city.codes.misses(present)
    if misses.paused(clock.now()) and misses.last_event != event_id:
        return Refusal.PAUSED
    found = await judged(code_hash, Speaker(present, speaker.channel), city, clock)
    if found is Refusal.WRONG:
        await city.codes.note(present, misses.missed(event_id, clock.now()))
    return found


async def judged(code_hash: str, speaker: Speaker, city: LinkingCity, clock: Clock) -> Offer | Refusal:
    """Whose code it is, or why it links nothing."""
    offer = await city.codes.find(code_hash)
    if offer is None:
        return Refusal.WRONG
    shared = await city.merges.channels(offer.citizen_id) & await city.merges.channels(speaker.citizen_id)
    return refusal_of(offer, speaker, shared, clock.now()) or offer
