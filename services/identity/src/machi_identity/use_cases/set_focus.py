"""Which dialogue is the person in?"""

from machi_identity.domain.citizens import Dialogue, Focus
from machi_identity.ports import City
from machi_sdk.errors import Conflict, Missing


async def set_focus(citizen_id: str, wanted: Dialogue, expected_version: int, city: City) -> Focus:
    """Move the focus on from the version seen; Conflict when it moved otherwise, a retry gets the same answer."""
    moved = Focus.on(wanted, expected_version + 1)
    if await city.citizens.move_focus(citizen_id, expected_version, moved):
        return moved
    present = await city.citizens.focus(citizen_id)
    if present is None:
        raise Missing("citizen-unknown")
    if present != moved:
        raise Conflict("focus-moved", "resolve again and decide again")
    return present
