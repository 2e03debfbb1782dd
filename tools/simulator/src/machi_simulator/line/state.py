"""The LINE world: residents, their chats, menus and rights to answer."""

from machi_simulator.clock import Clock
from machi_simulator.ids import letters
from machi_simulator.journal import Journal, Table
from machi_simulator.jsontree import Json
from machi_simulator.line.model import (
    ChatMessage,
    LoadingSign,
    Media,
    ReplyToken,
    Resident,
    RetryEntry,
    RichMenu,
    RichMenuAlias,
    Setting,
)

KEPT_TOKENS = 10_000


class LineState:
    """Tables and the look-ups over them."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.residents = Table(journal, "line.resident", Resident)
        self.messages = Table(journal, "line.message", ChatMessage)
        self.tokens = Table(journal, "line.token", ReplyToken)
        self.retries = Table(journal, "line.retry", RetryEntry)
        self.menus = Table(journal, "line.menu", RichMenu)
        self.aliases = Table(journal, "line.alias", RichMenuAlias)
        self.media = Table(journal, "line.media", Media)
        self.settings = Table(journal, "line.setting", Setting)
        self.loading = Table(journal, "line.loading", LoadingSign)
        rows = self.messages.values()
        self._last_id = int(rows[-1].id) if rows else 0
        self._chats: dict[str, list[ChatMessage]] = {}
        for row in rows:
            self._chats.setdefault(row.resident, []).append(row)

    def message_id(self) -> str:
        """A number, higher than any before."""
        self._last_id = max(self._last_id + 1, int(self.clock.now() * 1e8))
        return str(self._last_id)

    def add(self, message: ChatMessage) -> ChatMessage:
        """Put a bubble into its chat."""
        self._chats.setdefault(message.resident, []).append(message)
        return self.messages.put(message)

    def chat(self, resident: str) -> list[ChatMessage]:
        """One resident's bubbles, oldest first."""
        return list(self._chats.get(resident, []))

    def reply_token(self, resident: str) -> ReplyToken:
        """A fresh right to answer, for a minute."""
        self.tokens.trim(KEPT_TOKENS)
        return self.tokens.put(ReplyToken(id=letters(30), resident=resident, expires=self.clock.now() + 60))

    def setting(self, name: str) -> str:
        """A single value, or an empty string."""
        found = self.settings.get(name)
        return found.value if found else ""

    def set(self, name: str, value: str) -> None:
        """Remember a single value."""
        self.settings.put(Setting(id=name, value=value))

    def menu_of(self, resident: Resident) -> RichMenu | None:
        """The rich menu this resident sees: their own, else the default."""
        return self.menus.get(resident.rich_menu or "") or self.menus.get(self.setting("default_menu"))

    def deliver(self, resident: str, messages: list[Json], how: str) -> list[Json]:
        """Messages of the account to a resident; those who left or blocked get nothing. Returns `sentMessages`."""
        person = self.residents.get(resident)
        reachable = person is not None and person.following and not person.blocked
        sent: list[Json] = []
        for content in messages:
            message = ChatMessage(
                id=self.message_id(),
                resident=resident,
                sender="account",
                at=self.clock.now(),
                content=content,
                how="reply" if how == "reply" else "push" if how == "push" else "multicast",
            )
            entry: Json = {"id": message.id}
            if content.get("type") in ("text", "textV2", "sticker"):
                entry["quoteToken"] = letters(40)
            sent.append(entry)
            if reachable:
                self.add(message)
        self.loading.remove(resident)
        return sent
