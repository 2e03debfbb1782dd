"""The conversation: what is asked, and what becomes of the answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_idea_box.store import IdeaBoxWork
from machi_sdk.dialogue import Accept, Answers, Json, Question, Reject, Reply, TurnContext, WordsQ
from machi_sdk.messages import text
from machi_sdk.texts import Texts

_IDEA = "idea"
_LONGEST = 1000


@dataclass(frozen=True)
class IdeaBoxDialogue:
    """Asks for an idea and keeps it."""

    texts: Texts
    command: str = "idea-box"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Nothing is known yet."""
        return Answers()

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The idea."""
        if _IDEA in answers:
            return None
        return Question(_IDEA, self.texts.say(language, "idea"), WordsQ(1, _LONGEST))

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Every idea is welcome."""
        return Accept(value)

    async def finish(self, work: IdeaBoxWork, turn: TurnContext, answers: Answers) -> Reply:
        """Keep it under the message it came with, and say thank you."""
        await work.keep(answers.event_of(_IDEA), turn.citizen_id, answers.text(_IDEA))
        return Reply((text(self.texts.say(turn.language, "thanks")),))


async def take_back(work: IdeaBoxWork, turn: TurnContext, event_id: str) -> None:
    """Who unsends a message takes the idea back that came with it."""
    await work.drop(event_id, turn.citizen_id)
