"""When nobody knows what is meant: the likeliest services, else kind words and the menu."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi.dialogue.v1.messages_pb2 import Message
from machi_identity.domain.linking import is_code, typed_code
from machi_identity.entrypoints.dialogues.link import COMMAND as LINK
from machi_identity.entrypoints.dialogues.menu import Menu
from machi_identity.entrypoints.dialogues.naming import POD
from machi_sdk.dialogue import Reply, TurnContext
from machi_sdk.messages import card, command_button, text
from machi_sdk.texts import Texts

_PLACE = ("latitude", "longitude", "place")


@dataclass(frozen=True)
class HelpDialogue:
    """`machi_sdk.dialogue.AtOnce`."""

    texts: Texts
    menu: Menu
    command = "help"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Reply:
        """What the words may mean; else a kind word for what was sent, and the menu."""
        typed = arguments.get("text", "")
        likely = self.menu.likely(typed, turn.language)
        if is_code(typed, surely=bool(likely)):
            return Reply((self._about_code(typed, turn.language),))
        if likely:
            title, body = (self.texts.say(turn.language, f"help.likely-{part}") for part in ("title", "body"))
            other = command_button(self.texts.say(turn.language, "help.likely-other"), POD, self.command)
            return Reply((card(title, body, buttons=[*likely, other]),))
        sent = arguments.get("sent", "")
        key = f"help.sent-{sent}" if sent else "help.body"
        first = text(self.texts.say(turn.language, key if self.texts.has(key) else "help.body"))
        place = {part: arguments[part] for part in _PLACE if part in arguments}
        return Reply((first, *self.menu.messages(turn.language, **place)))

    def _about_code(self, typed: str, language: str) -> Message:
        """Somebody typed the code and no keyword."""
        button = command_button(self.texts.say(language, "link.yes"), POD, LINK, code=typed_code(typed))
        return card(self.texts.say(language, "link.is-code"), buttons=[button])
