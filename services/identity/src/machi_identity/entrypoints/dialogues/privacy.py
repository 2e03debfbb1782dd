"""Stop messages: every consent is withdrawn at once, and what was never asked is refused."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi.dialogue.v1.messages_pb2 import Message
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import Status
from machi_identity.entrypoints.dialogues.naming import POD, purpose_titles
from machi_identity.telemetry import DECISIONS
from machi_identity.use_cases.withdraw_all import withdraw_all
from machi_sdk.dialogue import Accept, Answers, Json, Question, Reject, Reply, TurnContext, end_open
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
        await end_open(work, turn.citizen_id, ("messages",))  # what was half agreed to is off, too
        entries = await withdraw_all(turn.citizen_id, turn.channel, turn.event_id, work, work.clock)
        for entry in entries:
            work.then(counter(DECISIONS).labels(entry.decision.status.value).inc)
        purposes = [entry.decision.purpose for entry in entries if entry.decision.status is Status.WITHDRAWN]
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
