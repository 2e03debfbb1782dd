"""The first greeting."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_identity.entrypoints.dialogues.language import LanguageDialogue
from machi_identity.entrypoints.dialogues.languages import KEY, OFFERED, language_question, offered
from machi_sdk.dialogue import Answers, Question, Reply, TurnContext
from machi_sdk.language import known
from machi_sdk.messages import text
from machi_sdk.texts import pick

_CITY = "city"


@dataclass(frozen=True)
class WelcomeDialogue(LanguageDialogue):
    """Greets in the city's name, then goes on like the language dialogue."""

    command = "welcome"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Look up what the city is called; who chose a `language` before is greeted and not asked."""
        answers, tenant = await self.beginning(turn)
        if arguments.get("language"):
            city = pick(tenant.names, turn.language) if tenant else ""
            return Reply((text(self._greeting(city, turn.language)), *self.menu.messages(turn.language)))
        if tenant is None:
            return answers
        return answers.knowing(_CITY, dict(tenant.names)).knowing(OFFERED, list(tenant.offered(known())))

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The greeting, and which language."""
        if KEY in answers:
            return None
        city = pick({tag: str(name) for tag, name in answers.mapping(_CITY).items()}, language)
        return language_question(self.texts, offered(answers), self._greeting(city, language))

    def _greeting(self, city: str, language: str) -> str:
        return self.texts.say(language, "welcome.greeting" if city else "welcome.greeting_nameless", city=city)
