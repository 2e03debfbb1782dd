"""Dialogue sessions and kept turn answers, in the pod's own database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import asyncpg
import orjson

from machi_sdk.dialogue.answers import Answers
from machi_sdk.dialogue.questions import ask_id_of
from machi_sdk.errors import Conflict
from machi_sdk.ids import new_id
from machi_sdk.sql import literal
from machi_sdk.work import Work, Works

W = TypeVar("W", bound=Work)

LIFETIME = timedelta(hours=72)
_WAITS, _UNTIL = "~waits", "~until"
_OWN_KEYS = ("pk_turns", "pk_dialogue_sessions")
_COLUMNS = "session_id, citizen_id, command, answers::text AS answers, version, touched_at, ended_at"
_OPEN = (
    "INSERT INTO dialogue_sessions (tenant, session_id, citizen_id, command, answers, version, touched_at, ended_at)"
    " VALUES ($1, $2, present_id($1, $3), $4, $5::jsonb, 1, $6, $7) RETURNING citizen_id"
)
# A merge that moved the session since it was read makes the turn think again; one that comes now waits for the row.
_GO_ON = (
    "UPDATE dialogue_sessions SET answers = $4::jsonb, version = version + 1, touched_at = $5, ended_at = $6"
    " WHERE session_id = $1 AND version = $2 AND citizen_id = $3 RETURNING version"
)
_BEGUN = "SELECT * FROM turn_begun($1, $2, $3, $4)"
_FIND = f"SELECT {_COLUMNS} FROM dialogue_sessions WHERE tenant = $1 AND session_id = $2"

_WAITING = f"""tenant = $1 AND citizen_id = $2 AND ended_at IS NULL
    AND answers->'given' ? '{_WAITS}' AND answers->'steps' = '[]'::jsonb"""
_NEWEST_WAITING = f"""
SELECT {_COLUMNS} FROM dialogue_sessions WHERE {_WAITING} AND touched_at > $3
ORDER BY touched_at DESC, session_id DESC LIMIT 1
"""
_HALF_TOLD = f"""
SELECT {_COLUMNS} FROM dialogue_sessions
WHERE tenant = $1 AND citizen_id = $2 AND ended_at IS NULL AND answers->'steps' <> '[]'::jsonb AND touched_at > $3
    AND $4 IN ('', command)
ORDER BY touched_at DESC, session_id DESC LIMIT 1
"""
_END_WAITING = f"""
UPDATE dialogue_sessions SET ended_at = $4, version = version + 1 WHERE {_WAITING} AND answers->'given' @> $3::jsonb
"""
_END_OPEN = """
UPDATE dialogue_sessions SET ended_at = $4, version = version + 1, answers = $5::jsonb
WHERE tenant = $1 AND citizen_id = $2 AND ended_at IS NULL AND command = ANY($3)
"""
_OTHERS = f"""
SELECT {_COLUMNS} FROM dialogue_sessions
WHERE tenant = $1 AND (citizen_id = $2 AND ended_at IS NULL OR session_id = $4) AND session_id <> $3 FOR UPDATE
"""
_ANSWERED_LESS = """
UPDATE dialogue_sessions SET answers = $3::jsonb, version = version + 1 WHERE tenant = $1 AND session_id = $2
"""


@dataclass(frozen=True)
class Session:
    """One person's conversation; version 0 = not stored yet."""

    session_id: str
    citizen_id: str
    command: str
    answers: Answers
    version: int
    touched_at: datetime
    ended: bool = False

    @property
    def waits(self) -> bool:
        """Whether a pod opened it for the person, who has not answered anything yet."""
        return _WAITS in self.answers.given and not self.answers.steps

    @property
    def stays(self) -> bool:
        """Whether it takes what is said right after something, and asked for nothing."""
        return _UNTIL in self.answers.given

    @property
    def ask_id(self) -> str:
        """Names its present question."""
        return ask_id_of(self.session_id, self.version)

    def alive(self, now: datetime) -> bool:
        """Whether it can still be answered."""
        until = self.answers.given.get(_UNTIL)
        is_over = isinstance(until, str) and now >= datetime.fromisoformat(until)
        return not (self.ended or is_over) and now - self.touched_at < LIFETIME


def asking(answers: Answers, key: str) -> Answers:
    """As they are stored with the question that is shown now, which is open as long as any other."""
    return replace(answers.knowing(_UNTIL, None), asked=key)


def moved(conflict: Conflict) -> bool:
    """Whether another turn was quicker, so that this one is to be thought over."""
    return conflict.slug == "session-moved" or (conflict.slug == "constraint" and conflict.message in _OWN_KEYS)


async def open_session(work: Work, citizen_id: str, command: str, answers: Answers) -> str:
    """Open a session for a person inside this transaction, to wait for their words; returns its id."""
    session = Session(new_id(), citizen_id, command, answers.knowing(_WAITS, True), 0, work.clock.now())
    await store(work, session, session.answers, ended=False)
    return session.session_id


async def stay_open(work: Work, citizen_id: str, command: str, answers: Answers, within: timedelta) -> str:
    """Open a session that takes what is said right after, within that time, and asks for nothing; returns its id."""
    until = (work.clock.now() + within).isoformat()
    session = Session(new_id(), citizen_id, command, answers.knowing(_UNTIL, until), 0, work.clock.now())
    await store(work, session, session.answers, ended=False)
    return session.session_id


async def find(work: Work, session_id: str) -> Session | None:
    """The session with that id, whosever it is, over or not; an empty id is none."""
    row = await work.db.fetchrow(_FIND, work.tenant, session_id) if session_id else None
    return _session(row) if row else None


async def newest_waiting(work: Work, citizen_id: str) -> Session | None:
    """Of the living sessions that wait for the person's first words, the one opened last."""
    since = work.clock.now() - LIFETIME
    row = await work.db.fetchrow(_NEWEST_WAITING, work.tenant, citizen_id, since)
    return _session(row) if row else None


async def half_told(work: Work, citizen_id: str, within: timedelta, command: str = "") -> Session | None:
    """Of the sessions that the person answered something in, the one touched last, within that time."""
    since = work.clock.now() - within
    row = await work.db.fetchrow(_HALF_TOLD, work.tenant, citizen_id, since, command)
    return _session(row) if row else None


async def end_waiting(work: Work, citizen_id: str, given: Mapping[str, str]) -> None:
    """Let nobody wait any more for the person's first words about `given`."""
    await work.db.execute(_END_WAITING, work.tenant, citizen_id, orjson.dumps(given).decode(), work.clock.now())


async def end_open(work: Work, citizen_id: str, commands: Sequence[str]) -> None:
    """End the person's open dialogues of these commands: what they asked for is settled."""
    await work.db.execute(_END_OPEN, work.tenant, citizen_id, list(commands), work.clock.now(), _json(Answers()))


async def take_back(work: Work, citizen_id: str, event_id: str, present: Session | None, told: str) -> None:
    """Let the person's open sessions, but for the present one, forget what came with that event.

    So does the session that was told of it: after "unlink" it is another citizen's.
    """
    others = await work.db.fetch(_OTHERS, work.tenant, citizen_id, present.session_id if present else "", told)
    for session in map(_session, others):
        left = session.answers.taken_back(event_id)
        if left is not None:
            await work.db.execute(_ANSWERED_LESS, work.tenant, session.session_id, _json(left))


def _json(answers: Answers) -> str:
    return orjson.dumps(answers.to_json()).decode()


def _session(row: asyncpg.Record) -> Session:
    answers = Answers.from_json(orjson.loads(row["answers"]))
    ended = row["ended_at"] is not None
    return Session(
        row["session_id"], row["citizen_id"], row["command"], answers, row["version"], row["touched_at"], ended
    )


async def store(work: Work, session: Session, answers: Answers, *, ended: bool) -> int:
    """Write the next version under the row's lock; Conflict when somebody else moved it meanwhile.

    Nothing of what was answered is kept of a session that ended.
    """
    now = work.clock.now()
    content = _json(Answers() if ended else answers)
    ended_at = now if ended else None
    if session.version == 0:
        present: str = await work.db.fetchval(
            _OPEN,
            work.tenant,
            session.session_id,
            session.citizen_id,
            session.command,
            content,
            now,
            ended_at,
        )
        _check_present(present, session.citizen_id)
        return 1
    version: int | None = await work.db.fetchval(
        _GO_ON, session.session_id, session.version, session.citizen_id, content, now, ended_at
    )
    if version is None:
        raise Conflict("session-moved")
    return version


async def hold(work: Work, citizen_id: str) -> None:
    """Let no merge move what this citizen has until the transaction ends; Conflict when one just did."""
    _check_present(await work.db.fetchval("SELECT present_id($1, $2)", work.tenant, citizen_id), citizen_id)


def _check_present(present: str, citizen_id: str) -> None:
    if present != citizen_id:
        raise Conflict("session-moved")


@dataclass(frozen=True)
class Begun:
    """What a turn begins with: the answer given to its event before, the id its citizen goes by now, the session."""

    response: bytes | None
    citizen_id: str
    session: Session | None


async def begun(works: Works[W], tenant: str, event_id: str, citizen_id: str, session_id: str) -> Begun:
    """Look all of it up in one round trip."""
    (row,) = await works.alone(_BEGUN, tenant, event_id, citizen_id, session_id)
    return Begun(row["response"], row["present"], _session(row) if row["session_id"] is not None else None)


async def kept_response(work: Work, event_id: str) -> bytes | None:
    """The answer given to this event before, or None."""
    kept: bytes | None = await work.db.fetchval("SELECT response FROM turns WHERE event_id = $1", event_id)
    return kept


def keep_response(work: Work, event_id: str, response: bytes) -> None:
    """Keep the answer with the commit, which is a Conflict (by constraint) when the event was answered meanwhile."""
    tenant, event, at = map(literal, (work.tenant, event_id, work.clock.now().isoformat()))
    work.lastly(
        "INSERT INTO turns (tenant, event_id, response, answered_at)"
        f" VALUES ({tenant}, {event}, '\\x{response.hex()}', {at})"
    )
