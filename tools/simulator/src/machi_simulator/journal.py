"""What the simulator remembers: tables in memory, each change written through to one file."""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel


class Document(BaseModel):
    """One remembered thing; `id` is unique within its table."""

    id: str


D = TypeVar("D", bound=Document)


class Journal:
    """The file behind the tables; without a path nothing outlives the process."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        # A killed process loses nothing this way, and no platform stand-in has to survive a power cut.
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute("PRAGMA synchronous=OFF")
        self._rows.execute(
            "CREATE TABLE IF NOT EXISTS documents (place INTEGER PRIMARY KEY, kind TEXT, id TEXT, body TEXT,"
            " UNIQUE (kind, id))"
        )
        self._rows.execute("CREATE TABLE IF NOT EXISTS blobs (id TEXT PRIMARY KEY, body BLOB)")

    def load(self, kind: str) -> list[str]:
        """Bodies of one kind in the order of their first writing."""
        found = self._rows.execute("SELECT body FROM documents WHERE kind = ? ORDER BY place", (kind,))
        return [body for (body,) in found]

    def save(self, kind: str, key: str, body: str) -> None:
        """Write or overwrite one document."""
        self._rows.execute(
            "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, key, body),
        )

    def drop(self, kind: str, key: str) -> None:
        """Forget one document."""
        self._rows.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, key))

    def put_blob(self, key: str, body: bytes) -> None:
        """Keep the bytes of a photo or file."""
        self._rows.execute("INSERT OR REPLACE INTO blobs (id, body) VALUES (?, ?)", (key, body))

    def blob(self, key: str) -> bytes | None:
        """Kept bytes, or None."""
        row = self._rows.execute("SELECT body FROM blobs WHERE id = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def drop_blob(self, key: str) -> None:
        """Forget kept bytes."""
        self._rows.execute("DELETE FROM blobs WHERE id = ?", (key,))

    def close(self) -> None:
        """Close the file."""
        self._rows.close()


class Table(Generic[D]):
    """Documents of one kind, in the order they were first put."""

    def __init__(self, journal: Journal, kind: str, model: type[D]) -> None:
        self._journal = journal
        self._kind = kind
        self._rows = {row.id: row for row in map(model.model_validate_json, journal.load(kind))}

    def get(self, key: str) -> D | None:
        """The document, or None."""
        return self._rows.get(key)

    def put(self, document: D) -> D:
        """Remember the document as it is now."""
        self._rows[document.id] = document
        self._journal.save(self._kind, document.id, document.model_dump_json())
        return document

    def remove(self, key: str) -> None:
        """Forget the document, if it is there."""
        if self._rows.pop(key, None) is not None:
            self._journal.drop(self._kind, key)

    def values(self) -> list[D]:
        """All documents, oldest first."""
        return list(self._rows.values())

    def newest(self) -> Iterator[D]:
        """All documents, newest first."""
        return reversed(self._rows.values())

    def trim(self, most: int) -> None:
        """Forget the oldest beyond `most`."""
        for key in list(islice(self._rows, max(0, len(self._rows) - most))):
            self.remove(key)

    def __len__(self) -> int:
        return len(self._rows)
