"""What a pod writes: dialogues, and what a turn comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from machi.dialogue.v1.dialogue_service_pb2 import (
    SESSION_STATE_ENDED,
    SESSION_STATE_OPEN,
    OpenDialogue,
    SessionState,
    TurnResponse,
)
from machi.dialogue.v1.messages_pb2 import Message
from machi_sdk.dialogue.answers import Answers, Json
from machi_sdk.dialogue.questions import Question
from machi_sdk.work import Work

W_contra = TypeVar("W_contra", bound=Work, contravariant=True)


@dataclass(frozen=True)
class TurnContext:
    """Who is speaking, where, and when; `session_id` is of the dialogue they are in, `facts` come from `prepare`."""

    tenant: str
    citizen_id: str
    channel: str
    language: str
    event_id: str
    session_id: str
    now: datetime
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """Messages that end a dialogue (or answer without opening one); `language` when the person's changed.

    `goes_on` is the dialogue the person is in after this one, instead of the one it came between; an empty one is none.
    `stays` is the session (`stay_open`) that takes what they say right after, where nothing else is asked.
    """

    messages: tuple[Message, ...] = ()
    language: str = ""
    goes_on: OpenDialogue | None = None
    stays: str = ""

    def response(self, state: "SessionState.ValueType", *, understood: bool) -> TurnResponse:
        """As the answer to a turn."""
        return TurnResponse(
            messages=list(self.messages),
            session_state=state,
            language=self.language,
            understood=understood,
            goes_on=self.goes_on,
        )

    def stay(self, response: TurnResponse) -> None:
        """Let the session that takes what comes right after be the person's, if they are in none."""
        if self.stays and response.session_state == SESSION_STATE_ENDED and not response.goes_on.pod:
            response.session_id, response.session_state = self.stays, SESSION_STATE_OPEN


@dataclass(frozen=True)
class Accept:
    """The answer stands, perhaps put in order."""

    value: Json


@dataclass(frozen=True)
class Reject:
    """The answer does not stand: say why, ask again. `keep` is remembered among the given facts."""

    messages: tuple[Message, ...]
    keep: Mapping[str, Json] | None = None


class AtOnce(Protocol):
    """Answers as soon as it is opened, and asks nothing."""

    @property
    def command(self) -> str:
        """The command of the manifest that opens it."""
        ...

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Reply:
        """The answer. Outside any transaction."""
        ...


@runtime_checkable
class Dialogue(Protocol[W_contra]):
    """One conversation of a pod."""

    @property
    def command(self) -> str:
        """The command of the manifest that opens it."""
        ...

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """What is known at the start, or an answer that opens nothing. Outside any transaction."""
        ...

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The next question; None when nothing is missing. Pure."""
        ...

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Judge a well-formed answer. Outside any transaction; must be safe to repeat."""
        ...

    async def finish(self, work: W_contra, turn: TurnContext, answers: Answers) -> Reply:
        """Do what the dialogue was for, inside the turn's transaction."""
        ...


@runtime_checkable
class Cancelling(Protocol[W_contra]):
    """A dialogue that does something when the person gives it up."""

    async def cancelled(self, work: W_contra, turn: TurnContext, answers: Answers) -> None:
        """Inside the turn's transaction, before the person goes on with anything else."""
        ...


@runtime_checkable
class Resuming(Protocol):
    """A dialogue that looks again at what others decide, when the person comes back to it."""

    async def resumed(self, turn: TurnContext, answers: Answers) -> Answers:
        """With what is known now; the same where nothing changed. Outside any transaction."""
        ...


async def known_now(dialogue: object, turn: TurnContext, answers: Answers) -> Answers | None:
    """What a dialogue goes on with, if that is something else than before."""
    now = await dialogue.resumed(turn, answers) if isinstance(dialogue, Resuming) else answers
    return None if now == answers else now
