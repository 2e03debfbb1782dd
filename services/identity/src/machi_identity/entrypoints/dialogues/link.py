"""Linking: a code on one channel, typed and confirmed on another, and two become one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from machi.dialogue.v1.dialogue_service_pb2 import OpenDialogue
from machi.dialogue.v1.messages_pb2 import Message
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.citizens import Dialogue
from machi_identity.domain.linking import Offer, Refusal, Speaker, shown, typed_code
from machi_identity.entrypoints.dialogues.beginning import beginning
from machi_identity.entrypoints.dialogues.naming import POD, channel_names
from machi_identity.telemetry import LINKS
from machi_identity.use_cases.check_link import check_link
from machi_identity.use_cases.link_channels import Linked, link_channels
from machi_identity.use_cases.merge_citizens import Act
from machi_identity.use_cases.offer_link import Digest, offer_link
from machi_sdk.dialogue import Accept, Answers, Confirm, Json, Question, Reject, Reply, TurnContext, WordsQ
from machi_sdk.messages import card, command_button, text
from machi_sdk.telemetry import counter
from machi_sdk.texts import Texts
from machi_sdk.work import Works

COMMAND = "link"
_CODE, _SURE, _HERE = "code", "sure", "here"
_MOST_TYPED = 40


@dataclass(frozen=True)
class LinkDialogue:
    """Shows a code, or takes one: typed behind the keyword, or asked for. `reach` passes named places."""

    texts: Texts
    works: Works[IdentityWork]
    digest: Digest
    reach: Callable[[str], None]
    command: str = COMMAND

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """A code of one's own, unless one was typed or is about to be."""
        code = typed_code(arguments.get("code") or arguments.get("text", ""))
        if not code and not arguments.get("enter"):
            return await self._offered(turn)
        async with self.works.begin(turn.tenant) as work:
            answers = (await beginning(work, turn)).knowing(_HERE, turn.channel)
        if not code:
            return answers
        found = await self._checked(turn, code)
        if isinstance(found, Refusal):
            return Reply((self._refused(found, turn.language),))
        return answers.answered(_CODE, self._kept(code, found), turn.event_id)

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The code, then whether to link."""
        say = self.texts.say
        if _CODE not in answers:
            return Question(_CODE, say(language, "link.enter"), WordsQ(1, _MOST_TYPED))
        if _SURE in answers:
            return None
        channels = [answers.text(_HERE), str(answers.mapping(_CODE)["channel"])]
        both = channel_names(self.texts, channels, language)
        kind = Confirm(say(language, "link.yes"), say(language, "link.no"))
        return Question(_SURE, say(language, "link.confirm", channels=both), kind)

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Only a code that links something stands."""
        if key != _CODE:
            return Accept(value)
        code = typed_code(str(value))
        found = await self._checked(turn, code) if code else Refusal.WRONG
        if isinstance(found, Refusal):
            return Reject((self._refused(found, turn.language),))
        return Accept(self._kept(code, found))

    async def finish(self, work: IdentityWork, turn: TurnContext, answers: Answers) -> Reply:
        """Link, unless the person said no in the end."""
        if answers.get(_SURE) is not True:
            _count("kept-apart")
            return Reply((text(self.texts.say(turn.language, "link.kept-apart")),))
        act = Act(turn.event_id, turn.channel, Dialogue(POD, turn.session_id))
        code_hash = str(answers.mapping(_CODE)["hash"])
        done = await link_channels(code_hash, Speaker(turn.citizen_id, turn.channel), act, work, work.clock)
        if isinstance(done, Refusal):
            _count(done.value)
            return Reply((self._refused(done, turn.language),))
        self.reach("before_merge_commit")
        work.then(partial(self.reach, "after_merge_before_answer"))
        work.then(partial(_count, "linked"))
        return self._linked(done, turn, answers)

    def _linked(self, done: Linked, turn: TurnContext, answers: Answers) -> Reply:
        language = done.person.language or turn.language
        channels = [turn.channel, str(answers.mapping(_CODE)["channel"])]
        words = self.texts.say(language, "link.done", channels=channel_names(self.texts, channels, language))
        begun, goes_on = done.begun, None
        if begun.pod not in ("", POD):
            goes_on = OpenDialogue(pod=begun.pod, session_id=begun.session_id)
        messages = (text(words), *((self._silenced(language),) if done.silenced else ()))
        return Reply(messages, language=language if language != turn.language else "", goes_on=goes_on)

    def _silenced(self, language: str) -> Message:
        button = command_button(self.texts.say(language, "privacy.button"), POD, "messages")
        return card(
            self.texts.say(language, "privacy.title"), self.texts.say(language, "link.silenced"), buttons=[button]
        )

    async def _offered(self, turn: TurnContext) -> Reply:
        async with self.works.begin(turn.tenant) as work:
            code = await offer_link(Speaker(turn.citizen_id, turn.channel), self.digest, work, work.clock)
            channels = await work.merges.channels(turn.citizen_id)
        _count("offered")
        say, language = self.texts.say, turn.language
        body = "\n\n".join((say(language, "link.benefit"), say(language, "link.how", code=shown(code))))
        buttons = [command_button(say(language, "link.have-code"), POD, COMMAND, enter="yes")]
        facts = []
        if len(channels) > 1:
            facts.append((say(language, "link.so-far"), channel_names(self.texts, channels, language)))
            buttons.append(command_button(say(language, "link.unlink"), POD, "unlink"))
        return Reply((card(say(language, "link.title"), body, facts, buttons),))

    async def _checked(self, turn: TurnContext, code: str) -> Offer | Refusal:
        async with self.works.begin(turn.tenant) as work:
            speaker = Speaker(turn.citizen_id, turn.channel)
            found = await check_link(self.digest(code), speaker, turn.event_id, work, work.clock)
        _count(found.value if isinstance(found, Refusal) else "found")
        return found

    def _kept(self, code: str, offer: Offer) -> Json:
        return {"hash": self.digest(code), "channel": offer.channel}

    def _refused(self, refusal: Refusal, language: str) -> Message:
        return text(self.texts.say(language, f"link.refused-{refusal.value}"))


def _count(outcome: str) -> None:
    counter(LINKS).labels(outcome).inc()
