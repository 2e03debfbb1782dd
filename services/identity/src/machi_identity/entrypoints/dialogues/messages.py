"""Turn messages on again: the benefit first, then the question, purpose by purpose."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi.dialogue.v1.messages_pb2 import Message
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import Decision, Notice, Status
from machi_identity.entrypoints.dialogues.beginning import beginning
from machi_identity.entrypoints.dialogues.naming import POD, purpose_titles
from machi_identity.telemetry import DECISIONS
from machi_identity.use_cases.decide_consent import decide_consents
from machi_sdk.dialogue import Accept, Answers, Confirm, Json, Question, Reject, Reply, TurnContext
from machi_sdk.errors import Conflict, Missing
from machi_sdk.ids import derived_id
from machi_sdk.language import language as written
from machi_sdk.messages import card, command_button, text
from machi_sdk.telemetry import counter
from machi_sdk.texts import Texts, pick
from machi_sdk.work import Works

_OFFERS = "offers"


@dataclass(frozen=True)
class MessagesDialogue:
    """Offers every purpose that is not given; each answer is about the very notice that was shown."""

    texts: Texts
    works: Works[IdentityWork]
    command = "messages"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Find what can be turned on."""
        async with self.works.begin(turn.tenant) as work:
            answers = await beginning(work, turn)
            notices = await work.notices.all_current()
            asked = [await work.consents.standing(turn.citizen_id, notice.purpose) for notice in notices]
        if not notices:
            return Reply((text(self.texts.say(turn.language, "messages.none")),))
        pairs = zip(notices, asked, strict=True)
        offers: list[Json] = [
            _offer(notice) for notice, standing in pairs if standing and standing.status is not Status.GIVEN
        ]
        return answers.knowing(_OFFERS, offers) if offers else Reply((self._on_already(turn.language),))

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The next offer that was not answered."""
        waiting = (offer for offer in _offers(answers) if str(offer["purpose"]) not in answers)
        offer = next(waiting, None)
        if offer is None:
            return None
        lines = [_words(offer, part, language) for part in ("benefit", "text")]
        prompt = "\n\n".join([*lines, self.texts.say(language, "messages.title")])
        yes, no = self.texts.say(language, "messages.yes"), self.texts.say(language, "messages.no")
        return Question(str(offer["purpose"]), prompt, Confirm(yes, no))

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Yes and no are equally fine."""
        return Accept(value)

    async def finish(self, work: IdentityWork, turn: TurnContext, answers: Answers) -> Reply:
        """Append one decision per offer."""
        decisions = [_decision(offer, turn, answers) for offer in _offers(answers)]
        try:
            await decide_consents(decisions, work, work.clock)
        except (Conflict, Missing):
            # The notice changed while the person was reading: what was agreed to is no longer what would be done.
            return Reply((self._changed(turn.language),))
        for decision in decisions:
            work.then(counter(DECISIONS).labels(decision.status.value).inc)
        given = [decision.purpose for decision in decisions if decision.status is Status.GIVEN]
        titles = await purpose_titles(work, given, self.texts, turn.language)
        return Reply((self._outcome(titles, turn.language),))

    def _outcome(self, given: list[str], language: str) -> Message:
        if not given:
            return text(self.texts.say(language, "messages.kept_off"))
        return text(self.texts.say(language, "messages.turned_on", purposes=written(language).listed(given)))

    def _on_already(self, language: str) -> Message:
        stop = command_button(self.texts.say(language, "messages.button_stop"), POD, "privacy")
        return card(self.texts.say(language, "messages.already"), buttons=[stop])

    def _changed(self, language: str) -> Message:
        again = command_button(self.texts.say(language, "messages.button_again"), POD, "messages")
        return card(self.texts.say(language, "messages.notice_changed"), buttons=[again])


def _offer(notice: Notice) -> dict[str, Json]:
    return {
        "purpose": notice.purpose,
        "version": notice.version,
        "benefit": dict(notice.benefit),
        "text": dict(notice.text),
    }


def _offers(answers: Answers) -> list[dict[str, Json]]:
    offers = answers.get(_OFFERS)
    return [offer for offer in offers if isinstance(offer, dict)] if isinstance(offers, list) else []


def _words(offer: dict[str, Json], part: str, language: str) -> str:
    words = offer[part]
    return pick({tag: str(line) for tag, line in words.items()}, language) if isinstance(words, dict) else ""


def _decision(offer: dict[str, Json], turn: TurnContext, answers: Answers) -> Decision:
    purpose = str(offer["purpose"])
    status = Status.GIVEN if answers[purpose] is True else Status.REFUSED
    act = derived_id(turn.session_id or turn.event_id, purpose)
    return Decision(act, turn.citizen_id, purpose, int(str(offer["version"])), status, turn.channel)
