"""A person wants one channel to stand for itself again."""

import uuid
from dataclasses import replace

from machi_identity.domain.citizens import Dialogue, Focus
from machi_identity.domain.linking import Speaker
from machi_identity.ports import LinkingCity
from machi_sdk.clock import Clock


async def unlink_channel(
    person: Speaker, dialogues: tuple[Dialogue, Dialogue], city: LinkingCity, clock: Clock
) -> bool:
    """The channel gets a citizen of its own, who speaks the same language; all else stays with the other channels.

    `dialogues` are those the new citizen and the old one are in afterwards. False when there is no other channel.
    """
    people = await city.merges.people([person.citizen_id])
    channels = await city.merges.channels(people[0].citizen_id) if people else frozenset[str]()
    if person.channel not in channels or len(channels) < 2:
        return False
    stays = await city.merges.hold(people[0].citizen_id)
    own_focus, others_focus = (Focus.on(each, stays.focus.version + 1) for each in dialogues)
    own = replace(stays, citizen_id=str(uuid.uuid4()), created_at=clock.now(), ward_code=None, focus=own_focus)
    await city.merges.part(own, stays.citizen_id, person.channel)
    await city.citizens.move_focus(stays.citizen_id, stays.focus.version, others_focus)
    return True
