"""What a button of a card means, small enough for Slack to carry."""

from dataclasses import dataclass

import orjson

# Ours, not the pod's: let a card of a list have its own message. No pod may call an action so.
OPEN = "machi:open"
# The menu of a card: what is chosen in it carries its own action.
MORE = "more"


@dataclass(frozen=True)
class CardRef:
    """The card a button stands on, in the version that its reader sees; 0 where that is unknown."""

    pod: str
    card_id: str
    desk_id: str
    version: int = 0


@dataclass(frozen=True)
class CardAction:
    """A pressed action of a card."""

    card: CardRef
    action_id: str


def encode(card: CardRef, action_id: str = "") -> str:
    """A button's value, or a form's metadata."""
    return orjson.dumps([card.pod, card.card_id, card.desk_id, action_id, card.version]).decode()


def decode(text: str) -> CardAction | None:
    """What `encode` wrote, or None for anything else."""
    try:
        parts = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    match parts:
        case [str(pod), str(card_id), str(desk_id), str(action_id), int(version)]:
            pass
        case [str(pod), str(card_id), str(desk_id), str(action_id)]:  # drawn before this release
            version = 0
        case _:
            return None
    return CardAction(CardRef(pod, card_id, desk_id, version), action_id) if pod and card_id and desk_id else None
