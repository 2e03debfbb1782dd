"""What an operator asks of a pod where it runs, with its own settings: `python -m machi_sdk.operating parked`.

Verbs: `ready`, `outbox`, `parked`, `show ID`, `replay [ID...]`, `drop ID...`. A JSON document a line; never content.
"""

import asyncio
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

import orjson

from machi_sdk import parking
from machi_sdk.database import Connection, Database
from machi_sdk.settings import Settings, host_and_port, read_settings

_OUTBOX = "SELECT topic, count(*) AS events, min(created_at) AS oldest FROM outbox GROUP BY topic ORDER BY min(id)"
_READY_SECONDS = 5.0

Answer = Sequence[object]
Verb = Callable[[Connection, Sequence[int]], Awaitable[Answer]]


async def _parked(connection: Connection, _ids: Sequence[int]) -> Answer:
    return [asdict(record) for record in await parking.list_parked(connection)]


async def _show(connection: Connection, ids: Sequence[int]) -> Answer:
    return [await parking.show_parked(connection, each) or _missing(each) for each in ids]


async def _replay(connection: Connection, ids: Sequence[int]) -> Answer:
    wanted = ids or [record.id for record in await parking.list_parked(connection)]
    asked = [(each, await parking.request_replay(connection, each)) for each in wanted]
    return [{"id": each, "replay": "asked for"} if known else _missing(each) for each, known in asked]


async def _drop(connection: Connection, ids: Sequence[int]) -> Answer:
    dropped = [(each, await parking.drop_parked(connection, each)) for each in ids]
    return [{"id": each, "dropped": True} if known else _missing(each) for each, known in dropped]


async def _outbox(connection: Connection, _ids: Sequence[int]) -> Answer:
    return [dict(row) for row in await connection.fetch(_OUTBOX)]


VERBS: dict[str, Verb] = {"parked": _parked, "show": _show, "replay": _replay, "drop": _drop, "outbox": _outbox}


def _missing(identifier: int) -> dict[str, object]:
    return {"id": identifier, "missing": True}


def ready(settings: Settings) -> tuple[bool, bytes]:
    """Whether the pod in this container is ready, and its own words about it."""
    host, port = host_and_port(settings.machi_http_address)
    here = "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104 (compared, not bound)
    try:
        with urllib.request.urlopen(f"http://{here}:{port}/readyz", timeout=_READY_SECONDS) as answer:
            return True, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return False, error.read()
    except OSError as error:
        return False, orjson.dumps({"ready": False, "troubles": {"http": type(error).__name__}})


async def ask(settings: Settings, verb: str, ids: Sequence[int]) -> Answer:
    """A verb's answer from the pod's database."""
    connection = await Database(settings.database_url).connect()
    try:
        return await VERBS[verb](connection, ids)
    finally:
        await connection.close()


def main(words: Sequence[str]) -> int:
    """0 when the verb was done; 1 when the pod is not ready or a record is not there; 2 for words that are none."""
    verb, *rest = words or [""]
    if verb == "ready":
        good, said = ready(read_settings())
        sys.stdout.write(said.decode() + "\n")
        return 0 if good else 1
    if verb not in VERBS or not all(word.isdecimal() for word in rest) or (verb in ("show", "drop") and not rest):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    answers = asyncio.run(ask(read_settings(), verb, [int(word) for word in rest]))
    sys.stdout.write("".join(orjson.dumps(each).decode() + "\n" for each in answers))
    return 1 if any(isinstance(each, dict) and each.get("missing") for each in answers) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
