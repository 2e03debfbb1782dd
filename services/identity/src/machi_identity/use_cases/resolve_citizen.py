"""Who is this?"""

import uuid

from machi_identity.domain.citizens import Address, Citizen
from machi_identity.ports import FindsCitizens
from machi_sdk.clock import Clock
from machi_sdk.errors import Invalid


async def resolve_citizen(address: Address, citizens: FindsCitizens, clock: Clock) -> Citizen:
    """Find the citizen behind an address or make one; however many ask at once, it is the same one."""
    if not address.channel or not address.address:
        raise Invalid("address-incomplete", "give channel and address")
    # Random, not time-ordered: a pseudonym must not tell when a person first came.
    return await citizens.find_or_make(address, str(uuid.uuid4()), clock.now())
