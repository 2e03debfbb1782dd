"""What the city can do, made from the installed pods."""

from dataclasses import dataclass
from typing import Protocol

from machi.dialogue.v1.messages_pb2 import Message
from machi_sdk.manifest import DialogueEntry, Manifest
from machi_sdk.messages import card, command_button, text
from machi_sdk.texts import Texts, pick

MOST_BUTTONS = 8


class Installed(Protocol):
    """The installed manifests."""

    def all(self) -> list[Manifest]:
        """Installed manifests by name."""
        ...


@dataclass(frozen=True)
class Menu:
    """Buttons for every dialogue of the installed pods that belongs in the menu."""

    installed: Installed
    texts: Texts

    def messages(self, language: str) -> list[Message]:
        """Cards of at most eight buttons each, in menu order; plain words when nothing is installed."""
        buttons = [command_button(pick(entry.titles, language), pod, entry.command) for pod, entry in self._entries()]
        if not buttons:
            return [text(self.texts.say(language, "menu.empty"))]
        title, body = self.texts.say(language, "menu.title"), self.texts.say(language, "menu.body")
        return [
            card(title, body, buttons=buttons[start : start + MOST_BUTTONS])
            for start in range(0, len(buttons), MOST_BUTTONS)
        ]

    def _entries(self) -> list[tuple[str, DialogueEntry]]:
        found = [
            (manifest.name, entry)
            for manifest in self.installed.all()
            for entry in manifest.dialogues
            if entry.menu and entry.who == "citizen"
        ]
        return sorted(found, key=lambda pair: (pair[1].order, pair[0], pair[1].command))
