"""Stop messages: every consent is withdrawn at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from machi.dialogue.v1.messages_pb2 import Message
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import Status
from machi_identity.entrypoints.dialogues.naming import POD, purpose_titles
from machi_identity.telemetry import DECISIONS
from machi_identity.use_cases.withdraw_all import withdraw_all
from machi_sdk.dialogue import Accept, Answers, Json, Question, Reject, Reply, TurnContext
from machi_sdk.language import language as written
from machi_sdk.messages import card, command_button
from machi_sdk.telemetry import counter
from machi_sdk.texts import Texts


@dataclass(frozen=True)
class PrivacyDialogue:
    """Asks nothing: whoever wants quiet gets it now, and is told what stopped and how to undo it."""

    texts: Texts
    command = "privacy"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Nothing needs to be known."""
        return Answers()

    def ask(self, answers: Answers, language: str) -> Question | None:
        """Nothing needs to be asked."""
        return None

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Never asked."""
        return Accept(value)

    async def finish(self, work: IdentityWork, turn: TurnContext, answers: Answers) -> Reply:
        """Withdraw, and say so; a second time says that it is off already."""
        entries = await withdraw_all(turn.citizen_id, turn.channel, turn.event_id, work, work.clock)
        work.then(partial(counter(DECISIONS).labels(Status.WITHDRAWN.value).inc, len(entries)))
        purposes = [entry.decision.purpose for entry in entries]
        stopped = await purpose_titles(work, purposes, self.texts, turn.language)
        return Reply((self._said(stopped, turn.language),))

    def _said(self, stopped: list[str], language: str) -> Message:
        say = self.texts.say
        if stopped:
            purposes = written(language).listed(stopped)
            lines = [say(language, "privacy.stopped", purposes=purposes), say(language, "privacy.still_works")]
        else:
            lines = [say(language, "privacy.already")]
        body = "\n".join([*lines, say(language, "privacy.turn_on")])
        button = command_button(say(language, "privacy.button"), POD, "messages")
        return card(say(language, "privacy.title"), body, buttons=[button])
