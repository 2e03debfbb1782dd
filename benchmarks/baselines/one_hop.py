"""The hand-written way: webhook → row and outbox in one statement → Kafka → Slack, one process, tuned by hand.

Started as `python -m benchmarks.baselines.one_hop <port> <database url> <bootstrap> <slack url> <secret>`.
"""

import asyncio
import base64
import hashlib
import hmac
import sys

import aiohttp
import asyncpg
import orjson
import uvicorn
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

TOPIC = "bench.one-hop"
_STORE = """
WITH stored AS (INSERT INTO hop_events (event_id, words) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id)
INSERT INTO hop_outbox (key, payload) SELECT event_id, $3 FROM stored
"""
_TABLES = """
CREATE TABLE IF NOT EXISTS hop_events (event_id text PRIMARY KEY, words text NOT NULL);
CREATE TABLE IF NOT EXISTS hop_outbox (id bigserial PRIMARY KEY, key text NOT NULL, payload bytea NOT NULL);
"""


class OneHop:
    """The whole program."""

    def __init__(self, database: str, bootstrap: str, slack: str, secret: str) -> None:
        self._database, self._bootstrap, self._slack, self._secret = database, bootstrap, slack, secret.encode()
        self._awake = asyncio.Event()

    async def start(self) -> None:
        """Connect to everything and begin relaying."""
        self._pool = await asyncpg.create_pool(self._database, min_size=4, max_size=8)
        await self._pool.execute(_TABLES)
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True)
        await self._producer.start()
        self._consumer = AIOKafkaConsumer(
            TOPIC, bootstrap_servers=self._bootstrap, group_id="one-hop", auto_offset_reset="earliest"
        )
        await self._consumer.start()
        self._http = aiohttp.ClientSession()
        self._tasks = [asyncio.create_task(self._relay()), asyncio.create_task(self._deliver())]

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # raw ASGI  # noqa: ANN001 (as said)
        """The webhook."""
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        signature = dict(scope["headers"]).get(b"x-line-signature", b"")
        expected = base64.b64encode(hmac.new(self._secret, body, hashlib.sha256).digest())
        good = hmac.compare_digest(signature, expected)
        if good:
            for event in orjson.loads(body)["events"]:
                payload = orjson.dumps(event)
                await self._pool.execute(_STORE, event["webhookEventId"], event["message"]["text"], payload)
            self._awake.set()
        await send({"type": "http.response.start", "status": 200 if good else 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _relay(self) -> None:
        while True:
            rows = await self._pool.fetch("SELECT id, key, payload FROM hop_outbox ORDER BY id LIMIT 500")
            if not rows:
                self._awake.clear()
                await self._wait()
                continue
            sent = [await self._producer.send(TOPIC, row["payload"], key=row["key"].encode()) for row in rows]
            await asyncio.gather(*sent)
            await self._pool.execute("DELETE FROM hop_outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows])

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), 1)
        except TimeoutError:
            return

    async def _deliver(self) -> None:
        while True:
            batches = await self._consumer.getmany(timeout_ms=500, max_records=500)
            posts = [self._post(record.value) for records in batches.values() for record in records]
            await asyncio.gather(*posts)
            if batches:
                await self._consumer.commit()

    async def _post(self, payload: bytes) -> None:
        event = orjson.loads(payload)
        body = {"channel": "C1", "text": event["webhookEventId"]}
        async with self._http.post(f"{self._slack}chat.postMessage", json=body) as answer:
            await answer.read()


def main() -> None:
    """Serve until killed."""
    port, database, bootstrap, slack, secret = sys.argv[1:]

    async def live() -> None:
        program = OneHop(database, bootstrap, slack, secret)
        await program.start()
        config = uvicorn.Config(program, host="127.0.0.1", port=int(port), log_level="error", lifespan="off")
        await uvicorn.Server(config).serve()

    uvloop.run(live())


if __name__ == "__main__":
    main()
