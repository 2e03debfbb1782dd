"""Which dialogue is the person in?"""

from machi_identity.domain.citizens import Focus
from machi_identity.ports import City
from machi_sdk.errors import Conflict, Missing


async def set_focus(citizen_id: str, seen: Focus, city: City) -> Focus:
    """Move the focus on from the version seen; Conflict when it moved otherwise, a retry gets the same answer.

    `seen` carries the wanted pod and session, and the version they are to replace.
    """
    wanted = seen.moved(seen.pod, seen.session_id)
    if await city.citizens.move_focus(citizen_id, seen.version, wanted):
        return wanted
    present = await city.citizens.focus(citizen_id)
    if present is None:
        raise Missing("citizen-unknown")
    if present != wanted:
        raise Conflict("focus-moved", "resolve again and decide again")
    return present
