"""What a button of a card means, small enough for Slack to carry."""

from dataclasses import dataclass

import orjson

# Ours, not the pod's: let a card of a list have its own message. No pod may call an action so.
OPEN = "machi:open"
# The menu of a card: what is chosen in it carries its own action.
MORE = "more"


@dataclass(frozen=True)
class CardRef:
    """The card a button stands on."""

    pod: str
    card_id: str
    desk_id: str


@dataclass(frozen=True)
class CardAction:
    """A pressed action of a card."""

    card: CardRef
    action_id: str


def encode(card: CardRef, action_id: str = "") -> str:
    """A button's value, or a form's metadata."""
    return orjson.dumps([card.pod, card.card_id, card.desk_id, action_id]).decode()


def decode(text: str) -> CardAction | None:
    """What `encode` wrote, or None for anything else."""
    try:
        parts = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not (isinstance(parts, list) and len(parts) == 4 and all(isinstance(part, str) for part in parts)):
        return None
    pod, card_id, desk_id, action_id = parts
    return CardAction(CardRef(pod, card_id, desk_id), action_id) if pod and card_id and desk_id else None
