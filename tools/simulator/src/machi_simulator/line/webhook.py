"""LINE's side of a webhook: the event, the signature over the raw bytes, redelivery."""

import base64
import hashlib
import hmac

import orjson

from machi_simulator.config import Config
from machi_simulator.courier import Answer, Courier, Delivery, Posting
from machi_simulator.ids import ulid
from machi_simulator.jsontree import Json, child, text
from machi_simulator.line.state import LineState

AGENT = "LineBotWebhook/2.0"


def signature(secret: str, body: bytes) -> str:
    """The value of `x-line-signature`."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class LineWebhook:
    """Sends events to the account's webhook."""

    def __init__(self, config: Config, state: LineState, courier: Courier) -> None:
        self._config = config
        self._state = state
        self._courier = courier

    @property
    def url(self) -> str:
        """Where webhooks go: what the account set by the API, else the configured address."""
        return self._state.setting("webhook") or self._config.simulator_line_webhook

    @property
    def active(self) -> bool:
        """Whether "use webhook" is on; without it nothing is sent."""
        return self._state.setting("webhook_use") != "off"

    @property
    def redelivers(self) -> bool:
        """Whether "webhook redelivery" is on."""
        chosen = self._state.setting("webhook_redelivery")
        return chosen == "on" if chosen else self._config.simulator_line_redelivery

    def event(self, kind: str, resident: str, details: Json, *, answerable: bool = True) -> Json:
        """A new event with everything the current specification requires."""
        now = self._state.clock.now_ms()
        found: Json = {
            "type": kind,
            "timestamp": now,
            "mode": "active",
            "webhookEventId": ulid(now),
            "deliveryContext": {"isRedelivery": False},
            "source": {"type": "user", "userId": resident},
        }
        if answerable:
            found["replyToken"] = self._state.reply_token(resident).id
        return found | details

    def send(self, event: Json) -> str:
        """Deliver an event in the background; returns its webhookEventId."""
        return self._send(event).id

    def _send(self, event: Json) -> Delivery:
        body = orjson.dumps({"destination": self._config.line_bot_user_id, "events": [event]}).decode()
        delivery = Delivery(
            id=text(event, "webhookEventId"),
            platform="line",
            kind=text(event, "type"),
            url=self.url,
            body=body,
            owner=text(child(event, "source"), "userId"),
        )
        if self.active and self.url:
            self._courier.dispatch(delivery, self._posting(event))
        else:
            delivery.state = "lost"
            self._courier.deliveries.put(delivery)
        return delivery

    def resume(self) -> None:
        """Go on with what was pending when the simulator stopped."""
        for delivery in self._courier.deliveries.values():
            if delivery.platform == "line" and delivery.state == "pending":
                event = orjson.loads(delivery.body)["events"][0]
                self._courier.dispatch(delivery, self._posting(event))

    def redeliver(self, event_id: str) -> bool:
        """Send a known event once more, as a redelivery; False if there is no such event."""
        delivery = self._courier.deliveries.get(event_id)
        if delivery is None or delivery.platform != "line":
            return False
        self._courier.dispatch(delivery, self._posting(orjson.loads(delivery.body)["events"][0]))
        return True

    def _posting(self, event: Json) -> Posting:
        config = self._config
        delays = config.simulator_line_redelivery_delays if self.redelivers else ()
        return Posting(lambda tries: self._make(event, again=tries > 0), config.simulator_line_timeout, delays)

    def _make(self, event: Json, *, again: bool) -> tuple[bytes, dict[str, str]]:
        event = event | {"deliveryContext": {"isRedelivery": again}}
        token = self._state.tokens.get(text(event, "replyToken"))
        if token is not None and not token.used:
            # The minute counts from when the account last heard of the event.
            token.expires = self._state.clock.now() + 60
            self._state.tokens.put(token)
        body = orjson.dumps({"destination": self._config.line_bot_user_id, "events": [event]})
        return body, self.headers(body)

    def headers(self, body: bytes) -> dict[str, str]:
        """What LINE sends beside a body."""
        return {
            "content-type": "application/json; charset=utf-8",
            "user-agent": AGENT,
            "x-line-signature": signature(self._config.line_channel_secret, body),
        }

    async def raw(self, body: bytes, headers: dict[str, str] | None = None, url: str = "") -> Answer:
        """Post any bytes once, signed unless `headers` says otherwise; nothing is tried again."""
        sent = self.headers(body) | (headers or {})
        return await self._courier.post(url or self.url, body, sent, self._config.simulator_line_timeout)

    async def verify(self, url: str = "") -> Answer:
        """The console's "verify": a signed body without events, to the set address or another."""
        return await self.raw(orjson.dumps({"destination": self._config.line_bot_user_id, "events": []}), url=url)
