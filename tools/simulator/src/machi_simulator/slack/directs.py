"""What a person does in the direct conversation with the app: write, attach files, take a message back."""

from collections.abc import Sequence
from dataclasses import dataclass

from machi_simulator.ids import capitals
from machi_simulator.slack.escape import escape
from machi_simulator.slack.model import SlackFile, SlackMessage
from machi_simulator.slack.officers import NotThereError
from machi_simulator.slack.posting import Posting, Written
from machi_simulator.slack.state import SlackState


@dataclass(frozen=True)
class Attached:
    """A file as a person picks it."""

    name: str
    content_type: str
    body: bytes


class Directs:
    """Acts of one person towards the app."""

    def __init__(self, state: SlackState, posting: Posting) -> None:
        self._state = state
        self._posting = posting

    def write(self, user: str, words: str, files: Sequence[Attached] = (), thread_ts: str = "") -> SlackMessage:
        """Send words, files, or both; in a thread, if one is named."""
        self._state.user(user)
        room = self._state.direct(user)
        stored = [self._store(file, room.id).id for file in files]
        return self._posting.as_person(room.id, user, escape(words), thread_ts, stored)

    def take_back(self, user: str, ts: str) -> None:
        """Delete a message of one's own; the app is told."""
        self._posting.delete(self._own(user, ts))

    def edit(self, user: str, ts: str, words: str) -> SlackMessage:
        """Give a message of one's own other words; the app is told."""
        return self._posting.change(self._own(user, ts), Written(escape(words), []))

    def heard(self, user: str) -> list[SlackMessage]:
        """What the app wrote to the person, oldest first."""
        return [message for message in self._state.history(self._state.direct(user).id) if message.bot_id]

    def _own(self, user: str, ts: str) -> SlackMessage:
        message = self._state.message(self._state.direct(user).id, ts)
        if message is None or message.user != user:
            raise NotThereError("there is no such message of theirs")
        return message

    def _store(self, file: Attached, room: str) -> SlackFile:
        stored = SlackFile(
            id=capitals("F"),
            name=file.name,
            size=len(file.body),
            content_type=file.content_type,
            uploaded=True,
            completed=True,
            channels=[room],
            created=int(self._state.clock.now()),
        )
        self._state.journal.put_blob(f"slack/{stored.id}", file.body)
        return self._state.files.put(stored)
