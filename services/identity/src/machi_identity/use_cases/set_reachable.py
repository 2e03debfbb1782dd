"""Does the platform let us reach the address?"""

import uuid
from datetime import datetime

from machi_identity.domain.citizens import Address
from machi_identity.ports import City


async def set_reachable(address: Address, city: City, at: datetime, *, reachable: bool) -> None:
    """Record a follow or block as of `at`; a follow may create the citizen, a stranger's block is ignored."""
    if await city.citizens.set_reachable(address, at, reachable=reachable) or not reachable:
        return
    await city.citizens.find_or_make(address, str(uuid.uuid4()), at)
    await city.citizens.set_reachable(address, at, reachable=True)
