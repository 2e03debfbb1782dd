"""Which pod gets an event, and as what input: a pure decision."""

from dataclasses import dataclass

from machi.channel.v1.events_pb2 import InboundEvent
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.conversation.openings import InstalledOpenings, Opening
from machi_sdk.conversation.press import (
    ChoicePress,
    CommandPress,
    ControlPress,
    MomentPress,
    Press,
    TogglePress,
    decode,
)
from machi_sdk.dialogue.controls import KINDS, typed_control
from machi_sdk.errors import Unavailable

_LONGEST_LABEL = 60  # of a place that a button carries on


@dataclass(frozen=True)
class Step:
    """A turn to make: with which pod, and a request that holds the input only."""

    pod: str
    request: wire.TurnRequest

    @property
    def opens(self) -> bool:
        """Whether it opens a dialogue (perhaps one that answers at once and is over)."""
        return self.request.WhichOneof("input") == "open"


def decide(event: InboundEvent, focused: str, openings: InstalledOpenings) -> Step | None:
    """The step for an event while the person talks with `focused` (or with nobody); None when there is none."""
    match event.WhichOneof("kind"):
        case "followed":
            return open_by_role("greeting", "", openings)
        case "text":
            return _text(event.text.text, focused, openings)
        case "pressed":
            return _pressed(event, focused, openings)
        case "place" | "media" | "other":
            return Step(focused, _sent(event)) if focused else _open_for(_sent_kind(event), openings, **_where(event))
    return None


def open_by_role(role: str, typed: str, openings: InstalledOpenings) -> Step:
    """Open the dialogue with that role; Unavailable while no installed pod has it."""
    opening = openings.by_role(role) or openings.by_role("fallback")
    if opening is None:
        raise Unavailable("no-dialogue-installed")
    return _open(opening, {"text": typed} if typed else {})


def _open_for(sent: str, openings: InstalledOpenings, **more: str) -> Step:
    """The dialogue for who sends something out of the blue; it is told what kind of thing, and of a place where."""
    step = open_by_role("fallback", "", openings)
    step.request.open.arguments.update({"sent": sent, **more})
    return step


def _where(event: InboundEvent) -> dict[str, str]:
    """A place as arguments, and the event it came with: who takes it back means it wherever it was carried."""
    if not event.HasField("place"):
        return {}
    place = event.place
    point = {"latitude": f"{place.latitude:.6f}", "longitude": f"{place.longitude:.6f}", "sent_in": event.event_id}
    label = " ".join(filter(None, (place.title, place.address)))[:_LONGEST_LABEL]
    return point | ({"place": label} if label else {})


def _open(opening: Opening, arguments: dict[str, str]) -> Step:
    opened = wire.Open(command=opening.command, arguments=arguments)
    return Step(opening.pod, wire.TurnRequest(open=opened))


def _text(typed: str, focused: str, openings: InstalledOpenings) -> Step:
    opening = None if focused and typed_control(typed) else openings.by_words(typed)
    if opening is not None:
        argument = {"argument": opening[1]} if opening[1] else {}
        return _open(opening[0], {"text": typed, **argument})
    if focused:
        return Step(focused, wire.TurnRequest(text=wire.TextInput(text=typed)))
    meant = openings.by_phrase(typed)
    return _open(meant[0], {"text": meant[1]}) if meant else open_by_role("fallback", typed, openings)


def _pressed(event: InboundEvent, focused: str, openings: InstalledOpenings) -> Step:
    press = decode(event.pressed.data)
    if isinstance(press, CommandPress) and openings.installed(press.pod):
        return _open(Opening(press.pod, press.command), dict(press.arguments))
    if press is None or isinstance(press, CommandPress):
        return open_by_role("fallback", "", openings)
    if not focused:
        return _open_for("old-button", openings)
    return Step(focused, _answer(press, event))


def _answer(press: Press, event: InboundEvent) -> wire.TurnRequest:
    match press:
        case ChoicePress(ask_id, option_ids):
            return wire.TurnRequest(choice=wire.Choice(ask_id=ask_id, option_ids=option_ids))
        case MomentPress(ask_id):
            picked = wire.Moment(ask_id=ask_id, date=event.pressed.date, time=event.pressed.time)
            return wire.TurnRequest(moment=picked)
        case ControlPress(ask_id, control):
            return wire.TurnRequest(control=wire.Control(ask_id=ask_id, kind=KINDS[control]))
        case TogglePress() | CommandPress():
            return wire.TurnRequest(resume=wire.Resume())


def _sent(event: InboundEvent) -> wire.TurnRequest:
    if event.HasField("place"):
        place = event.place
        sent = wire.Place(latitude=place.latitude, longitude=place.longitude, title=place.title, address=place.address)
        return wire.TurnRequest(place=sent)
    return wire.TurnRequest(unsupported=wire.Unsupported(kind=_sent_kind(event)))


def _sent_kind(event: InboundEvent) -> str:
    """photo, place, or the name of what no dialogue takes."""
    return {"media": "photo", "place": "place"}.get(event.WhichOneof("kind") or "", event.other.kind)
