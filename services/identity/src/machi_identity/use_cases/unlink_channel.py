"""A person wants one channel to stand for itself again."""

import uuid
from dataclasses import replace

from machi_identity.domain.citizens import Focus
from machi_identity.domain.linking import Typist
from machi_identity.ports import LinkingCity
from machi_sdk.clock import Clock


async def unlink_channel(person: Typist, dialogues: tuple[Focus, Focus], city: LinkingCity, clock: Clock) -> bool:
    """The channel gets a citizen of its own, who speaks the same language; all else stays with the other channels.

    `dialogues` are those the new citizen and the old one are in afterwards. False when there is no other channel.
    """
    people = await city.merges.people([person.citizen_id])
    channels = await city.merges.channels(people[0].citizen_id) if people else frozenset[str]()
    if person.channel not in channels or len(channels) < 2:
        return False
    stays = await city.merges.hold(people[0].citizen_id)
    own_focus, others_focus = (stays.focus.moved(each.pod, each.session_id) for each in dialogues)
    own = replace(stays, citizen_id=str(uuid.uuid4()), created_at=clock.now(), ward_code=None, focus=own_focus)
    await city.merges.part(own, stays.citizen_id, person.channel)
    await city.citizens.move_focus(stays.citizen_id, stays.focus.version, others_focus)
    return True
