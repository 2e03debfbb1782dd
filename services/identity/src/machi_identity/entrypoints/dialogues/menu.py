"""What the city can do, made from the installed pods."""

import json
from dataclasses import dataclass
from typing import Protocol

from machi.dialogue.v1.messages_pb2 import Button, Message
from machi_sdk.manifest import DialogueEntry, Manifest
from machi_sdk.messages import card, command_button, text
from machi_sdk.names import fold, stands_in
from machi_sdk.texts import Texts, pick

MOST_BUTTONS = 8
MOST_LIKELY = 3
# Of what was typed, as a button's data carries it on every platform: UTF-16 units of JSON.
MOST_TYPED = 180


class Installed(Protocol):
    """The installed manifests."""

    def all(self) -> list[Manifest]:
        """Installed manifests by name."""
        ...


def _fit(entry: DialogueEntry, typed: str) -> int:
    """How many letters of the words are of this dialogue's own vocabulary."""
    return sum(len(word) for word in entry.vocabulary if stands_in(word, typed))


def _carried(typed: str, entry: DialogueEntry) -> str:
    """What was typed; of a long text its beginning, and what stands behind it of the dialogue's own vocabulary."""
    said = typed.strip()
    if _size(said) <= MOST_TYPED:
        return said
    whole, words = fold(said), ""
    for word in sorted(entry.vocabulary, key=lambda each: (-len(each), each)):
        if stands_in(word, whole) and not stands_in(word, words) and _size(f"{words} {word}") <= MOST_TYPED // 2:
            words = f"{words} {word}"
    while _size(said) + _size(words) > MOST_TYPED:
        said = said[: -max(1, (_size(said) + _size(words) - MOST_TYPED) // 6)]
    return f"{said}{words}"


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True)
class Menu:
    """Buttons for every dialogue of the installed pods that belongs in the menu."""

    installed: Installed
    texts: Texts

    def messages(self, language: str, **arguments: str) -> list[Message]:
        """Cards of at most eight buttons each, in menu order; plain words when nothing is installed.

        Each button's dialogue is told the arguments, such as a place that was sent.
        """
        buttons = [
            command_button(pick(entry.titles, language), pod, entry.command, **arguments)
            for pod, entry in self._entries()
        ]
        if not buttons:
            return [text(self.texts.say(language, "menu.empty"))]
        title, body = self.texts.say(language, "menu.title"), self.texts.say(language, "menu.body")
        return [
            card(title, body, buttons=buttons[start : start + MOST_BUTTONS])
            for start in range(0, len(buttons), MOST_BUTTONS)
        ]

    def likely(self, typed: str, language: str) -> list[Button]:
        """Buttons of the three services that the words fit best; each is told what was typed."""
        folded = fold(typed)
        scored = [(_fit(entry, folded), pod, entry) for pod, entry in self._entries()]
        found = sorted((each for each in scored if each[0]), key=lambda each: -each[0])[:MOST_LIKELY]
        return [
            command_button(pick(entry.titles, language), pod, entry.command, text=_carried(typed, entry))
            for _, pod, entry in found
        ]

    def _entries(self) -> list[tuple[str, DialogueEntry]]:
        found = [
            (manifest.name, entry)
            for manifest in self.installed.all()
            for entry in manifest.dialogues
            if entry.menu and entry.who == "citizen"
        ]
        return sorted(found, key=lambda pair: (pair[1].order, pair[0], pair[1].command))
