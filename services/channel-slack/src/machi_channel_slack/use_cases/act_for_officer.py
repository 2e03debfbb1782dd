"""An officer pressed, filled in, or wrote: the card's pod decides, the officer hears."""

from dataclasses import dataclass

from machi.channel.v1.events_pb2 import InboundEvent
from machi.dialogue.v1.dialogue_service_pb2 import CardPress, CardReply, StaffActor, TurnRequest
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.domain.address import CHANNEL
from machi_channel_slack.domain.cards import CardKey
from machi_channel_slack.domain.press import decode
from machi_channel_slack.ports import Cards
from machi_sdk.errors import Unavailable


@dataclass(frozen=True)
class Errand:
    """What is wanted of which card, and where its author is told; an `outsider` is not of the city's staff.

    With a `remark` (a key of the texts) nothing is asked of the pod: the author only hears that it reaches nobody.
    """

    key: CardKey
    pod: str
    channel: str
    thread_ts: str = ""
    press: CardPress | None = None
    reply: CardReply | None = None
    outsider: bool = False
    remark: str = ""


async def errand_of(event: InboundEvent, tenant: str, cards: Cards) -> Errand | None:
    """What an event asks for; None when it concerns no card of ours, Unavailable while nobody knows."""
    match event.WhichOneof("kind"):
        case "pressed":
            return _pressed(event, tenant)
        case "form":
            return await _submitted(event, tenant, cards)
        case "thread_reply":
            return await _replied(event, tenant, cards)
    return None


def actor(staff: Staff) -> StaffActor:
    """A member of staff as pods are told who acts."""
    return StaffActor(
        staff_id=staff.staff_id, display_name=staff.display_name, desk_ids=staff.desk_ids, roles=staff.roles
    )


def turn_of(event: InboundEvent, errand: Errand, staff: Staff, language: str) -> TurnRequest:
    """The errand as a turn by a member of staff; its event id makes a retry harmless."""
    request = TurnRequest(
        event_id=event.event_id,
        staff=actor(staff),
        channel=CHANNEL,
        language=language,
        occurred_at=event.occurred_at,
    )
    if errand.press is not None:
        request.card_press.CopyFrom(errand.press)
    if errand.reply is not None:
        request.card_reply.CopyFrom(errand.reply)
    return request


def _pressed(event: InboundEvent, tenant: str) -> Errand | None:
    action = decode(event.pressed.data)
    if action is None:
        return None
    card = action.card
    press = CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id=action.action_id, version=card.version)
    return Errand(CardKey(tenant, card.card_id, card.desk_id), card.pod, event.pressed.place_id, press=press)


async def _submitted(event: InboundEvent, tenant: str, cards: Cards) -> Errand | None:
    form = event.form
    key = CardKey(tenant, form.card_id, form.desk_id)
    state = await cards.find(key)
    if state is None:
        return None
    press = CardPress(
        card_id=form.card_id,
        desk_id=form.desk_id,
        action_id=form.action_id,
        values=dict(form.values),
        version=form.version,
    )
    return Errand(key, form.pod, state.channel_id, press=press)


async def _replied(event: InboundEvent, tenant: str, cards: Cards) -> Errand | None:
    said = event.thread_reply
    in_doubt = await cards.in_doubt(
        tenant, said.place_id, said.thread_id
    )  # asked first: what is placed meanwhile is found
    state = await cards.at(tenant, said.place_id, said.thread_id)
    if state is None and in_doubt:
        raise Unavailable("card-not-placed")
    if state is None:
        return None
    if said.edited or said.deleted or said.files:
        remark = "thread.edited" if said.edited else "thread.deleted" if said.deleted else "thread.files"
        return Errand(state.key, state.pod, said.place_id, said.thread_id, remark=remark)
    reply = CardReply(card_id=state.key.card_id, desk_id=state.key.desk_id, text=said.text)
    return Errand(state.key, state.pod, said.place_id, said.thread_id, reply=reply)
