"""What a work says to the outside, as statements that travel with its commit."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from machi_sdk.envelope import Shared
from machi_sdk.sql import array, literal

OUTBOX_CHANNEL = "machi_outbox"
_INSERT = "INSERT INTO outbox (topic, key, headers, payload)"
# Few rows are quickest as they are; many share their headers, and come as arrays that the server's parser passes over.
_FEW = 16


class Outgoing(NamedTuple):
    """One event on its way out; `shared` is what its headers have in common with others."""

    topic: str
    key: str
    shared: Shared
    event_id: str
    at: str
    payload: bytes


def outbox_sql(events: Sequence[Outgoing]) -> str:
    """Each key's lock is held until the commit: a later transaction of the same key gets later outbox ids."""
    if not events:
        return ""
    keys = array(sorted({f"{event.topic}/{event.key}" for event in events}))
    return (
        "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 1) AS key"
        f" FROM unnest({keys}::text[]) AS name ORDER BY 1) AS locks; "
        f"{_few(events) if len(events) <= _FEW else _many(events)}; NOTIFY {OUTBOX_CHANNEL}; "
    )


def _few(events: Iterable[Outgoing]) -> str:
    rows = (
        f"({literal(event.topic)}, {literal(event.key)},"
        f" {literal(orjson.dumps(event.shared.whole(event.event_id, event.at)).decode())}, '\\x{event.payload.hex()}')"
        for event in events
    )
    return f"{_INSERT} VALUES {', '.join(rows)}"


def _many(events: Sequence[Outgoing]) -> str:
    kinds = {kind: str(place) for place, kind in enumerate(dict.fromkeys((e.topic, e.shared) for e in events), 1)}
    topics, shared = array([topic for topic, _ in kinds]), array([shared.json for _, shared in kinds])
    columns = zip(*((kinds[e.topic, e.shared], e.key, e.event_id, e.at, e.payload.hex()) for e in events), strict=True)
    of_kind, keys, ids, moments, payloads = map(array, columns)
    return (
        f"{_INSERT} SELECT ({topics}::text[])[kind], key,"
        f" ({shared}::jsonb[])[kind] || jsonb_build_object('ce_id', id, 'ce_time', at), decode(payload, 'hex') FROM"
        f" unnest({of_kind}::int[], {keys}::text[], {ids}::text[], {moments}::text[], {payloads}::text[])"
        " AS said (kind, key, id, at, payload)"
    )
