"""Does the platform let us reach the address?"""

import uuid

from machi_identity.domain.citizens import Address
from machi_identity.ports import City
from machi_sdk.clock import Clock


async def set_reachable(address: Address, city: City, clock: Clock, *, reachable: bool) -> None:
    """Remember a follow or block; a follow may be the first contact, the block of a stranger is nothing."""
    if await city.citizens.set_reachable(address, reachable=reachable) or not reachable:
        return
    await city.citizens.find_or_make(address, str(uuid.uuid4()), clock.now())
