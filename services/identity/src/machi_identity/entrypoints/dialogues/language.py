"""Choosing the language, whenever the person likes."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.staff import Tenant
from machi_identity.entrypoints.dialogues.beginning import beginning
from machi_identity.entrypoints.dialogues.languages import KEY, OFFERED, language_question, named_language, offered
from machi_identity.entrypoints.dialogues.menu import Menu
from machi_identity.use_cases.choose_language import choose_language
from machi_sdk.dialogue import Accept, Answers, Json, Question, Reject, Reply, TurnContext, end_open
from machi_sdk.language import known
from machi_sdk.messages import text
from machi_sdk.texts import Texts
from machi_sdk.work import Works

ASKING = ("welcome", "language")


@dataclass(frozen=True)
class LanguageDialogue:
    """Sets the language at once where the person named it, else asks; then shows the menu in it."""

    texts: Texts
    menu: Menu
    works: Works[IdentityWork]
    command = "language"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Take the language from `language` (a tag) or `text` (as typed), when it is one."""
        answers, tenant = await self.beginning(turn)
        tags = tenant.offered(known()) if tenant else tuple(known())
        chosen = named_language(tags, arguments.get("language") or arguments.get("text", ""))
        return answers.knowing(KEY, chosen) if chosen else answers.knowing(OFFERED, list(tags))

    async def beginning(self, turn: TurnContext) -> tuple[Answers, Tenant | None]:
        """What is known at the start, and the municipality the person talks to."""
        async with self.works.begin(turn.tenant) as work:
            return await beginning(work, turn), await work.directory.tenant()

    def ask(self, answers: Answers, language: str) -> Question | None:
        """Which language?"""
        return None if KEY in answers else language_question(self.texts, offered(answers))

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Every offered language will do."""
        return Accept(value)

    async def finish(self, work: IdentityWork, turn: TurnContext, answers: Answers) -> Reply:
        """Speak it from now on."""
        chosen = answers.text(KEY)
        await choose_language(turn.citizen_id, chosen, work, work.clock)
        await end_open(work, turn.citizen_id, ASKING)
        return Reply((text(self.texts.say(chosen, "language.done")), *self.menu.messages(chosen)), language=chosen)
