"""The first greeting."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_identity.adapters.work import IdentityWork
from machi_identity.entrypoints.dialogues.language import LanguageDialogue
from machi_identity.entrypoints.dialogues.languages import KEY, language_question
from machi_sdk.dialogue import Answers, Question, Reply, TurnContext
from machi_sdk.texts import pick
from machi_sdk.work import Works

_CITY = "city"


@dataclass(frozen=True)
class WelcomeDialogue(LanguageDialogue):
    """Greets in the city's name, then goes on like the language dialogue."""

    works: Works[IdentityWork]
    command = "welcome"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Look up what the city is called."""
        async with self.works.begin(turn.tenant) as work:
            tenant = await work.directory.tenant()
        return Answers({_CITY: dict(tenant.names) if tenant else {}})

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The greeting, and which language."""
        if KEY in answers:
            return None
        city = pick({tag: str(name) for tag, name in answers.mapping(_CITY).items()}, language)
        key = "welcome.greeting" if city else "welcome.greeting_nameless"
        return language_question(self.texts, self.texts.say(language, key, city=city))
