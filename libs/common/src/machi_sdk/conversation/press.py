"""What a button means, small enough for every platform to carry: compact data, at most 300 characters."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from machi_sdk.dialogue.controls import KINDS

MOST = 300  # LINE's limit for postback data, the narrowest of all
CONTROLS = frozenset(KINDS)


class TooLong(ValueError):
    """The meaning does not fit into a button."""


@dataclass(frozen=True)
class CommandPress:
    """Opens a dialogue of a pod."""

    pod: str
    command: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChoicePress:
    """Answers a question with options."""

    ask_id: str
    option_ids: tuple[str, ...]


@dataclass(frozen=True)
class TogglePress:
    """Options chosen so far of a question that takes several; nothing is answered yet."""

    ask_id: str
    option_ids: tuple[str, ...]


@dataclass(frozen=True)
class MomentPress:
    """Answers a question with the date or time that the platform's picker sends along."""

    ask_id: str


@dataclass(frozen=True)
class ControlPress:
    """Back, cancel, help, or skip."""

    ask_id: str
    control: str


Press = CommandPress | ChoicePress | TogglePress | MomentPress | ControlPress


def encode(press: Press) -> str:
    """The button's data; TooLong when it would not fit."""
    data = orjson.dumps(_parts(press)).decode()
    if len(data.encode("utf-16-le")) // 2 > MOST:
        raise TooLong(data[:40])
    return data


def _parts(press: Press) -> list[object]:
    match press:
        case CommandPress(pod, command, arguments):
            return ["c", pod, command, dict(arguments)]
        case ChoicePress(ask_id, option_ids):
            return ["o", ask_id, *option_ids]
        case TogglePress(ask_id, option_ids):
            return ["t", ask_id, *option_ids]
        case MomentPress(ask_id):
            return ["m", ask_id]
        case ControlPress(ask_id, control):
            return ["k", ask_id, control]


def decode(data: str) -> Press | None:
    """The meaning of a button's data, or None when it is not ours."""
    try:
        parts = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    match parts:
        case ["c", str(pod), str(command), dict(arguments)]:
            return CommandPress(pod, command, {str(k): str(v) for k, v in arguments.items()})
        case ["m", str(ask_id)]:
            return MomentPress(ask_id)
        case ["k", str(ask_id), str(control)] if control in CONTROLS:
            return ControlPress(ask_id, control)
        case ["o" | "t" as kind, str(ask_id), *ids] if all(isinstance(each, str) for each in ids):
            options = tuple(str(each) for each in ids)
            return ChoicePress(ask_id, options) if kind == "o" else TogglePress(ask_id, options)
    return None
