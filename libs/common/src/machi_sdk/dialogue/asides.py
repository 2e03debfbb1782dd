"""Beside a dialogue's own questions: "shall we go on?" and "what shall be changed?".

The first is asked after a pause and when somebody opens a dialogue that they have half told; the second on their
wish. An aside is a fact among the answers; while it stands, its question is asked instead of the dialogue's.
"""

from datetime import datetime, timedelta

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.dialogue.answers import Answers, Json
from machi_sdk.dialogue.parsing import CHANGE
from machi_sdk.dialogue.questions import Choices, Confirm, Opt, Question
from machi_sdk.texts import Texts

PAUSE = timedelta(hours=12)
_ASIDE = "~aside"
_RETURN, _CORRECT = "~return", "~correct"
_GO_ON, _AGAIN, _STOP = "go-on", "again", "stop"
# What shows that the person remembers where they were: a button of the very question.
_KNOWING = ("choice", "control", "moment", "resume")


class Asides:
    """Asks and settles the two asides."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def question(self, asked: Question | None, answers: Answers, language: str) -> Question | None:
        """What is asked now: the aside that stands, or the dialogue's own question."""
        if asked is None or _ASIDE not in answers.given:
            return asked
        if _corrects(asked, answers):
            options = tuple(Opt(str(at), change.label) for at, change in enumerate(asked.changes))
            return Question(_CORRECT, self._texts.say(language, "correct"), Choices(options))
        return Question(_RETURN, self._greeting(asked, language), Choices(self._ways_on(language)))

    def comes_back(self, answers: Answers, request: wire.TurnRequest, since: datetime, now: datetime) -> bool:
        """Whether the person comes back after a pause as if to something new, and is to be asked "shall we go on?"."""
        fresh = now - since < PAUSE or request.WhichOneof("input") in _KNOWING
        return not fresh and _ASIDE not in answers.given and bool(answers.steps)

    def asked_to_go_on(self, answers: Answers, begun: Answers | None = None) -> Answers:
        """With "shall we go on?"; who starts over begins with what came along."""
        kept = answers if begun is None or not begun.steps else answers.begun_anew(begun)
        return kept.knowing(_ASIDE, _RETURN)

    def correcting(self, question: Question, answers: Answers, value: Json) -> Answers | None:
        """With "what shall be changed?" when that was answered to a confirmation; else None."""
        wanted = isinstance(question.kind, Confirm) and value == CHANGE
        return answers.knowing(_ASIDE, _CORRECT) if wanted else None

    def stands(self, answers: Answers) -> bool:
        """Whether an aside is being asked."""
        return _ASIDE in answers.given

    def left(self, answers: Answers) -> Answers:
        """Without the aside, at the question before it."""
        return answers.begun_anew(None).knowing(_ASIDE, None)

    def settled(self, asked: Question | None, answers: Answers, value: Json) -> Answers | None:
        """The answers after the aside's own question was answered; None when the person stops."""
        back = self.left(answers)
        if asked is not None and _corrects(asked, answers):
            return back.without(asked.changes[int(str(value))].keys)
        if value == _STOP:
            return None
        return self.left(answers.started_over) if value == _AGAIN else back

    def _greeting(self, asked: Question, language: str) -> str:
        key = "return.about" if asked.about else "return.plain"
        return self._texts.say(language, key, about=asked.about)

    def _ways_on(self, language: str) -> tuple[Opt, ...]:
        yes, no = (tuple(self._texts.say(language, key).split("|")) for key in ("yes", "no"))
        ways = {_GO_ON: yes, _AGAIN: (), _STOP: no}
        return tuple(Opt(name, self._texts.say(language, f"return.{name}"), alone=ways[name]) for name in ways)


def _corrects(asked: Question, answers: Answers) -> bool:
    """Whether "what shall be changed?" stands and there still is something to change."""
    return answers.given.get(_ASIDE) == _CORRECT and bool(asked.changes)
