"""Signed LINE webhooks, sent at a rate."""

import asyncio
import base64
import hashlib
import hmac
import os
import time

import aiohttp
import orjson

SECRET = "bench-secret"
DESTINATION = "U" + "b" * 32


class Load:
    """Sends signed webhooks, and remembers when each left and how long its answer took."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.left: dict[str, float] = {}
        self.acks: list[float] = []
        self.refused = 0

    async def at(self, rate: float, seconds: float, words: str = "help") -> None:
        """Open-loop: an event of somebody new every 1/rate seconds, whatever the answers do."""
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for index in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, started + index / rate - time.perf_counter()))
                event_id = os.urandom(13).hex()
                group.create_task(self.send(event(event_id, user_of(event_id), texted(words))))

    async def send(self, sent: dict[str, object]) -> None:
        """One webhook with one event."""
        body = orjson.dumps({"destination": DESTINATION, "events": [sent]})
        signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        began = time.perf_counter()
        headers = {"x-line-signature": signature, "content-type": "application/json"}
        async with self._session.post(self._url, data=body, headers=headers) as answer:
            await answer.read()
            self.acks.append(time.perf_counter() - began)
            if answer.status == 200:
                self.left[str(sent["webhookEventId"])] = began
            else:
                self.refused += 1


def user_of(event_id: str) -> str:
    """Each event comes from a person of its own, so that a push can be told to be its answer."""
    return "U" + hashlib.md5(event_id.encode(), usedforsecurity=False).hexdigest()


def texted(words: str) -> dict[str, object]:
    """A text message, as LINE tells of it."""
    return {"id": str(int(os.urandom(6).hex(), 16)), "type": "text", "text": words, "quoteToken": "q"}


def event(event_id: str, user: str, message: dict[str, object]) -> dict[str, object]:
    """A message event; its reply token is the event's id."""
    return {
        "type": "message",
        "mode": "active",
        "timestamp": int(time.time() * 1000),
        "webhookEventId": event_id,
        "deliveryContext": {"isRedelivery": False},
        "source": {"type": "user", "userId": user},
        "replyToken": event_id,
        "message": message,
    }
