"""What an operator asks of a pod where it runs, with its own settings: `python -m machi_sdk.operating parked`.

Verbs: `ready`, `look`, `topics`, `outbox`, `hops TRACE`, `parked`, `show ID...`, `replay [ID...]`, `drop ID...`.
A JSON document a line; never content. `machi -n NAMESPACE` asks all pods of a release so.
"""

import asyncio
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import asyncpg
import orjson
from aiokafka.errors import KafkaError

from machi_sdk import parking
from machi_sdk.clock import Clock, SystemClock
from machi_sdk.database import Connection, Database
from machi_sdk.errors import MachiError
from machi_sdk.keys import seconds_left
from machi_sdk.manifest import load_manifest
from machi_sdk.settings import EVERYWHERE, Settings, host_and_port, read_settings
from machi_sdk.topics_seen import topics_seen

_OUTBOX = (
    "SELECT topic, count(*) AS events, count(DISTINCT key) AS keys,"
    " extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest_seconds"
    " FROM outbox GROUP BY topic ORDER BY min(id)"
)
_HOPS = "SELECT at, name, detail::text AS detail FROM hops WHERE trace_id = $1 ORDER BY at"
_PATIENCE_SECONDS = 5.0
_PAGES = ("livez", "readyz", "metrics")
MOST_WORDS = 1_000  # behind one verb
# What a server's absence or refusal raises: said in a line, for it is no fault of ours.
TROUBLES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, MachiError)

Answer = Sequence[object]
Words = Sequence[str]
Reading = Callable[[Settings, Words], Awaitable[Answer]]


def _of_database(read: Callable[[Connection, Words], Awaitable[Answer]]) -> Reading:
    async def answer(settings: Settings, words: Words) -> Answer:
        connection = await Database(settings.database_url).connect()
        try:
            return await read(connection, words)
        finally:
            await connection.close()

    return answer


async def _parked(connection: Connection, _words: Words) -> Answer:
    return [asdict(record) for record in await parking.list_parked(connection)]


async def _show(connection: Connection, ids: Words) -> Answer:
    return [await parking.show_parked(connection, int(each)) or _missing(each) for each in ids]


async def _replay(connection: Connection, ids: Words) -> Answer:
    wanted = ids or [str(record.id) for record in await parking.list_parked(connection)]
    asked = [(each, await parking.request_replay(connection, int(each))) for each in wanted]
    return [{"id": int(each), "replay": "asked for"} if known else _missing(each) for each, known in asked]


async def _drop(connection: Connection, ids: Words) -> Answer:
    dropped = [(each, await parking.drop_parked(connection, int(each))) for each in ids]
    return [{"id": int(each), "dropped": True} if known else _missing(each) for each, known in dropped]


async def _outbox(connection: Connection, _words: Words) -> Answer:
    return [dict(row) for row in await connection.fetch(_OUTBOX)]


async def _hops(connection: Connection, words: Words) -> Answer:
    rows = await connection.fetch(_HOPS, words[0])
    return [{"at": row["at"], "name": row["name"], "detail": orjson.loads(row["detail"])} for row in rows]


async def database_ahead(connection: Connection, clock: Clock) -> float:
    """Seconds by which the database's clock is ahead, the way there and back taken out."""
    before = clock.now()
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return (theirs - before).total_seconds() - (clock.now() - before).total_seconds() / 2


async def _ahead(connection: Connection, _words: Words) -> Answer:
    return [await database_ahead(connection, SystemClock())]


async def _topics(settings: Settings, _words: Words) -> Answer:
    manifest = load_manifest(settings.machi_manifest)
    groups = [(entry.topic, entry.group) for entry in manifest.consumes]
    return [asdict(each) for each in await topics_seen(settings, groups, manifest.publishes)]


async def _look(settings: Settings, words: Words) -> Answer:
    """All that a doctor wants to know, in one process: it lives in the pod's memory and CPU."""
    asked = await asyncio.gather(*(asyncio.to_thread(_page, settings, page) for page in _PAGES))
    pages = {page: {"status": status, "words": said} for page, (status, said) in zip(_PAGES, asked, strict=True)}
    folder, now = settings.machi_keys_dir / "tokens", datetime.now(UTC)
    tokens = {callee: seconds_left(folder / callee, now) for callee in settings.peers}
    found: dict[str, object] = {**pages, "token_seconds": tokens, "database_ahead_seconds": None, "topics": []}
    found["channels_off"] = settings.refused_channels()
    found["tenants_without_channel"] = settings.without_channel()
    troubles: dict[str, str] = {}
    try:
        [found["database_ahead_seconds"]] = await _of_database(_ahead)(settings, words)
    except TROUBLES as error:
        troubles["PostgreSQL"] = trouble(error)
    try:
        found["topics"] = await _topics(settings, words)
    except TROUBLES as error:
        troubles["Kafka"] = trouble(error)
    return [{**found, "troubles": troubles}]


@dataclass(frozen=True)
class Verb:
    """How a verb is answered, and which words may follow it: so many, each of that form."""

    answer: Reading
    form: str = ""
    least: int = 0
    most: int = 0

    def takes(self, words: Words) -> bool:
        """Whether these words may follow it."""
        return self.least <= len(words) <= self.most and all(re.fullmatch(self.form, word) for word in words)


VERBS = {
    "look": Verb(_look),
    "topics": Verb(_topics),
    "outbox": Verb(_of_database(_outbox)),
    "hops": Verb(_of_database(_hops), "[0-9a-f]{32}", 1, 1),
    "parked": Verb(_of_database(_parked)),
    "show": Verb(_of_database(_show), "[0-9]{1,18}", 1, MOST_WORDS),
    "replay": Verb(_of_database(_replay), "[0-9]{1,18}", 0, MOST_WORDS),
    "drop": Verb(_of_database(_drop), "[0-9]{1,18}", 1, MOST_WORDS),
}


def trouble(error: BaseException) -> str:
    """One of TROUBLES in a line."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _missing(identifier: str) -> dict[str, object]:
    return {"id": int(identifier), "missing": True}


def _page(settings: Settings, page: str) -> tuple[int, str]:
    """A page of the pod in this container; status 0 and the error's name when it does not listen."""
    host, port = host_and_port(settings.machi_http_address)
    here = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    try:
        with urllib.request.urlopen(f"http://{here}:{port}/{page}", timeout=_PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, type(error).__name__


def ready(settings: Settings) -> tuple[bool, str]:
    """Whether the pod in this container is ready, and its own words about it."""
    status, words = _page(settings, "readyz")
    return status == 200, words if status else orjson.dumps({"ready": False, "troubles": {"http": words}}).decode()


def _say_ready(settings: Settings) -> int:
    good, said = ready(settings)
    sys.stdout.write(said + "\n")
    return 0 if good else 1


async def ask(settings: Settings, verb: str, words: Words = ()) -> Answer:
    """A verb's answer; one of TROUBLES when a server does not answer or refuses."""
    return await VERBS[verb].answer(settings, words)


def main(words: Words) -> int:
    """0 when the verb was done; 1: not ready, or a record is not there; 2: words that are none; 3: a server is away."""
    verb, *rest = words or [""]
    if verb != "ready" and (verb not in VERBS or not VERBS[verb].takes(rest)):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        settings = read_settings()
        if verb == "ready":
            return _say_ready(settings)
        answers = asyncio.run(ask(settings, verb, rest))
    except TROUBLES as error:
        sys.stderr.write(trouble(error) + "\n")
        return 3
    sys.stdout.write("".join(orjson.dumps(each).decode() + "\n" for each in answers))
    return 1 if any(isinstance(each, dict) and each.get("missing") for each in answers) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
