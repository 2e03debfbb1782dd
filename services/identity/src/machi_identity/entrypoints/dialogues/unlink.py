"""Unlinking: the channel in use stands for itself again."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi.dialogue.v1.dialogue_service_pb2 import OpenDialogue
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.citizens import Dialogue
from machi_identity.domain.linking import Speaker
from machi_identity.entrypoints.dialogues.beginning import beginning
from machi_identity.entrypoints.dialogues.link import COMMAND as LINK
from machi_identity.entrypoints.dialogues.naming import POD, channel_names
from machi_identity.telemetry import LINKS
from machi_identity.use_cases.unlink_channel import unlink_channel
from machi_sdk.dialogue import Accept, Answers, Confirm, Json, Question, Reject, Reply, TurnContext
from machi_sdk.messages import card, command_button, text
from machi_sdk.telemetry import counter
from machi_sdk.texts import Texts
from machi_sdk.work import Works

_SURE = "sure"
_OTHERS, _HERE = "others", "here"


@dataclass(frozen=True)
class UnlinkDialogue:
    """Says what stays where, asks, and does it."""

    texts: Texts
    works: Works[IdentityWork]
    command: str = "unlink"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Which channels are linked, or that none is."""
        async with self.works.begin(turn.tenant) as work:
            channels = await work.merges.channels(turn.citizen_id)
            answers = (await beginning(work, turn)).knowing(_HERE, turn.channel)
        others: list[Json] = [*sorted(channels - {turn.channel})]
        return answers.knowing(_OTHERS, others) if others else self._nothing(turn.language)

    def ask(self, answers: Answers, language: str) -> Question | None:
        """Whether to unlink, with what it means."""
        if _SURE in answers:
            return None
        here = channel_names(self.texts, [answers.text(_HERE)], language)
        others = channel_names(self.texts, _others(answers), language)
        kind = Confirm(self.texts.say(language, "unlink.yes"), self.texts.say(language, "unlink.no"))
        return Question(_SURE, self.texts.say(language, "unlink.confirm", here=here, others=others), kind)

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Yes and no are equally fine; a yes on another channel than was asked about is asked again about that one."""
        here = answers.text(_HERE)
        if value is not True or turn.channel == here:
            return Accept(value)
        others: list[Json] = [*sorted({*_others(answers), here} - {turn.channel})]
        return Reject((), keep={_HERE: turn.channel, _OTHERS: others})

    async def finish(self, work: IdentityWork, turn: TurnContext, answers: Answers) -> Reply:
        """Unlink the channel the person answers on, unless they said no."""
        say, language = self.texts.say, turn.language
        if answers.get(_SURE) is not True:
            return Reply((text(say(language, "unlink.kept")),))
        back = answers.behind
        others = Dialogue(back[0] or POD, back[1]) if back else Dialogue()
        own = Dialogue(POD, turn.session_id)
        person = Speaker(turn.citizen_id, turn.channel)
        if not await unlink_channel(person, (own, others), work, work.clock):
            return self._nothing(language)
        work.then(counter(LINKS).labels("unlinked").inc)
        here = channel_names(self.texts, [turn.channel], language)
        # What the person was in stays with the other channels.
        return Reply((text(say(language, "unlink.done", here=here)),), goes_on=OpenDialogue())

    def _nothing(self, language: str) -> Reply:
        button = command_button(self.texts.say(language, "unlink.link"), POD, LINK)
        return Reply((card(self.texts.say(language, "unlink.nothing"), buttons=[button]),))


def _others(answers: Answers) -> list[str]:
    others = answers.get(_OTHERS)
    return [str(each) for each in others] if isinstance(others, list) else []
