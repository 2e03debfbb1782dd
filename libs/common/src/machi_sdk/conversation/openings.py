"""What the installed pods offer, read from their manifests."""

from dataclasses import dataclass

from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import DialogueEntry
from machi_sdk.names import fold


@dataclass(frozen=True)
class Opening:
    """A dialogue one can open."""

    pod: str
    command: str


class InstalledOpenings:
    """An index over the installed manifests, made anew when the set changes."""

    def __init__(self, pods: InstalledPods) -> None:
        self._pods = pods
        self._version = -1
        self._words: dict[str, Opening] = {}
        self._roles: dict[str, Opening] = {}

    def installed(self, pod: str) -> bool:
        """Whether the pod is installed."""
        return self._pods.get(pod) is not None

    def by_words(self, typed: str) -> Opening | None:
        """The dialogue one of whose keywords was typed, in any language."""
        self._refresh()
        return self._words.get(fold(typed))

    def by_role(self, role: str) -> Opening | None:
        """The dialogue with that role."""
        self._refresh()
        return self._roles.get(role)

    def offered(self) -> list[tuple[Opening, DialogueEntry]]:
        """Every dialogue for citizens, by pod."""
        return [
            (Opening(manifest.name, entry.command), entry)
            for manifest in self._pods.all()
            for entry in manifest.dialogues
            if entry.who == "citizen"
        ]

    def _refresh(self) -> None:
        if self._version == self._pods.version:
            return
        self._version = self._pods.version
        self._words, self._roles = {}, {}
        for opening, entry in self.offered():
            self._roles.setdefault(entry.role, opening)
            for words in entry.keywords.values():
                self._words |= {fold(word): opening for word in words if fold(word) not in self._words}
