"""What the installed pods offer, read from their manifests."""

import re
from dataclasses import dataclass

from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import DialogueEntry
from machi_sdk.names import fold
from machi_sdk.telemetry import get_logger

# Letters of what was typed that are looked through: a pattern's time may grow with their square.
_MOST_SEARCHED = 500

log = get_logger()


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
        self._phrases: list[tuple[re.Pattern[str], Opening]] = []
        self._alone: list[tuple[re.Pattern[str], Opening]] = []
        self._within: list[tuple[re.Pattern[str], Opening]] = []
        self._roles: dict[str, Opening] = {}

    def require(self) -> None:
        """Unavailable until all installed manifests were read."""
        self._pods.require()

    def installed(self, pod: str) -> bool:
        """Whether the pod is installed."""
        return self._pods.get(pod) is not None

    def by_words(self, typed: str) -> tuple[Opening, str] | None:
        """The dialogue one of whose keywords was typed, in any language, and the argument behind it, if any."""
        self._refresh()
        words = fold(typed)[:_MOST_SEARCHED]
        if words in self._words:
            return self._words[words], ""
        argued = ((opening, found[1]) for phrase, opening in self._phrases if (found := phrase.fullmatch(words)))
        return next(argued, None)

    def by_phrase(self, typed: str) -> tuple[Opening, str] | None:
        """The dialogue that such words mean, whatever they are besides, and the words that it is told."""
        self._refresh()
        words = fold(typed)[:_MOST_SEARCHED]
        alone = ((opening, typed) for phrase, opening in self._alone if phrase.fullmatch(words))
        return next(alone, None) or self.by_part(typed)

    def by_part(self, typed: str) -> tuple[Opening, str] | None:
        """The dialogue that something within the words means, such as a number, and that part."""
        self._refresh()
        words = fold(typed)[:_MOST_SEARCHED]
        within = ((opening, found[0]) for phrase, opening in self._within if (found := phrase.search(words)))
        return next(within, None)

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
        self._words, self._phrases, self._alone, self._within, self._roles = {}, [], [], [], {}
        for opening, entry in self.offered():
            self._roles.setdefault(entry.role, opening)
            self._words = dict.fromkeys(entry.opening_words, opening) | self._words
            try:
                self._add_patterns(opening, entry)
            except re.error as error:  # one pod's mistake takes away no other's words
                log.warning("dialogue's words unreadable", pod=opening.pod, command=opening.command, error=str(error))
        self._version = self._pods.version

    def _add_patterns(self, opening: Opening, entry: DialogueEntry) -> None:
        if entry.argument:
            self._phrases.append((_phrase(entry), opening))
        if entry.phrase:
            self._alone.append((re.compile(entry.phrase, re.IGNORECASE), opening))
        if entry.within:
            self._within.append((re.compile(rf"(?<![0-9a-z])(?:{entry.within})(?![0-9a-z])"), opening))


def _phrase(entry: DialogueEntry) -> re.Pattern[str]:
    keyword = "|".join(re.escape(word) for word in sorted(entry.opening_words, key=len, reverse=True))
    return re.compile(rf"(?:{keyword})[\s:]*({entry.argument})", re.IGNORECASE)
