"""When nobody knows what is meant: the likeliest services, else kind words and the menu."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from machi.dialogue.v1.messages_pb2 import Message
from machi_identity.domain.linking import is_code, typed_code
from machi_identity.entrypoints.dialogues.link import COMMAND as LINK
from machi_identity.entrypoints.dialogues.menu import Menu
from machi_identity.entrypoints.dialogues.naming import POD
from machi_sdk.dialogue import Reply, TurnContext
from machi_sdk.messages import card, command_button, text
from machi_sdk.names import fold, stands_in
from machi_sdk.texts import Texts

MOST_THANKS = 40
_PLACE = ("latitude", "longitude", "place", "sent_in")


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
        if self._is_thanks(typed):
            return Reply((text(self.texts.say(turn.language, "help.thanks")),))
        sent = arguments.get("sent", "")
        key = f"help.sent-{sent}" if sent else "help.body"
        first = text(self.texts.say(turn.language, key if self.texts.has(key) else "help.body"))
        place = {part: arguments[part] for part in _PLACE if part in arguments}
        return Reply((first, *self.menu.messages(turn.language, **place)))

    @cached_property
    def _thanks(self) -> frozenset[str]:
        """The words that thank."""
        return self._words("help.thanks-words")

    @cached_property
    def _turning(self) -> frozenset[str]:
        """The words after which something else follows: "but", "still"."""
        return self._words("help.turning-words")

    def _words(self, key: str) -> frozenset[str]:
        """Of all languages: folded once, for whatever is typed comes by here."""
        return frozenset(fold(word) for line in self.texts.words(key).values() for word in line.split("|"))

    def _is_thanks(self, typed: str) -> bool:
        """Whether a short line thanks, in any language, and says nothing else behind a "but"."""
        if len(typed) > MOST_THANKS:
            return False
        said = fold(typed)
        thanks, turns = (any(stands_in(word, said) for word in words) for words in (self._thanks, self._turning))
        return thanks and not turns

    def _about_code(self, typed: str, language: str) -> Message:
        """Somebody typed the code and no keyword."""
        button = command_button(self.texts.say(language, "link.yes"), POD, LINK, code=typed_code(typed))
        return card(self.texts.say(language, "link.is-code"), buttons=[button])
