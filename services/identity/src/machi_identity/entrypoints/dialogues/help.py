"""When nobody knows what is meant: kind words and the menu."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_identity.adapters.work import IdentityWork
from machi_identity.entrypoints.dialogues.menu import Menu
from machi_sdk.dialogue import Accept, Answers, Json, Question, Reject, Reply, TurnContext
from machi_sdk.messages import text
from machi_sdk.texts import Texts


@dataclass(frozen=True)
class HelpDialogue:
    """Answers at once and opens nothing."""

    texts: Texts
    menu: Menu
    command = "help"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Words and menu."""
        return Reply((text(self.texts.say(turn.language, "help.body")), *self.menu.messages(turn.language)))

    def ask(self, answers: Answers, language: str) -> Question | None:
        """Nothing."""
        return None

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Never asked."""
        return Accept(value)

    async def finish(self, work: IdentityWork, turn: TurnContext, answers: Answers) -> Reply:
        """Never opened."""
        return Reply()
