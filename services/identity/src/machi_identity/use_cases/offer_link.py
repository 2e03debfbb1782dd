"""A person wants to link another channel."""

import secrets
from collections.abc import Callable

from machi_identity.domain.linking import CODES, LIFE, Offer, Speaker, code_of
from machi_identity.ports import LinkingCity
from machi_sdk.clock import Clock

Digest = Callable[[str], str]


async def offer_link(person: Speaker, digest: Digest, city: LinkingCity, clock: Clock) -> str:
    """A fresh one-time code, to be typed on the other channel; the person's earlier one counts no more."""
    code = code_of(secrets.randbelow(CODES))
    now = clock.now()
    await city.codes.put(digest(code), Offer(person.citizen_id, person.channel, now + LIFE, used=False), now)
    return code
