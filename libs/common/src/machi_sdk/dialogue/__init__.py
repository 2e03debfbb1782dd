"""The dialogue kit: a conversation as a plain function of its answers; sessions and controls are done here."""

from machi_sdk.dialogue.answers import Answers, Json, Step
from machi_sdk.dialogue.endpoint import DeskHandler, DialogueEndpoint, MediaHandler
from machi_sdk.dialogue.kit import DialogueKit
from machi_sdk.dialogue.questions import (
    Change,
    Choices,
    Confirm,
    DateQ,
    MultiChoices,
    NumberQ,
    Opt,
    PhotoQ,
    PlaceQ,
    Question,
    TimeQ,
    WordsQ,
)
from machi_sdk.dialogue.script import Accept, AtOnce, Cancelling, Dialogue, Reject, Reply, TurnContext
from machi_sdk.dialogue.sessions import end_open, end_waiting, open_session, stay_open

__all__ = [
    "Accept",
    "Answers",
    "AtOnce",
    "Cancelling",
    "Change",
    "Choices",
    "Confirm",
    "DateQ",
    "DeskHandler",
    "Dialogue",
    "DialogueEndpoint",
    "DialogueKit",
    "Json",
    "MediaHandler",
    "MultiChoices",
    "NumberQ",
    "Opt",
    "PhotoQ",
    "PlaceQ",
    "Question",
    "Reject",
    "Reply",
    "Step",
    "TimeQ",
    "TurnContext",
    "WordsQ",
    "end_open",
    "end_waiting",
    "open_session",
    "stay_open",
]
