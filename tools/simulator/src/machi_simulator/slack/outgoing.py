"""Slack's side of a webhook: the v0 signature, three encodings, retries with their headers."""

import hashlib
import hmac
from urllib.parse import urlencode

import orjson

from machi_simulator.config import Config
from machi_simulator.courier import Answer, Courier, Delivery, Posting
from machi_simulator.ids import capitals
from machi_simulator.jsontree import Json, as_object, text
from machi_simulator.slack.state import APP_ID, BOT_USER, SlackState

AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Slack-Signature`."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


class Outgoing:
    """Sends events, interactions and slash commands to the app."""

    def __init__(self, config: Config, state: SlackState, courier: Courier) -> None:
        self._config = config
        self._state = state
        self._courier = courier

    def headers(self, body: bytes, content_type: str) -> dict[str, str]:
        """What Slack sends beside a body."""
        timestamp = str(int(self._state.clock.now()))
        return {
            "content-type": content_type,
            "user-agent": AGENT,
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": signature(self._config.slack_signing_secret, timestamp, body),
        }

    def event(self, event: Json) -> str:
        """Tell the app of an event in the background; returns its event_id."""
        now = int(self._state.clock.now())
        body: Json = {
            "token": "legacy-verification-token",
            "team_id": self._config.slack_team_id,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": capitals("Ev"),
            "event_time": now,
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self._config.slack_team_id,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }
        delivery = Delivery(
            id=text(body, "event_id"),
            platform="slack",
            kind=f"events:{text(event, 'type')}",
            url=self._config.simulator_slack_events,
            body=orjson.dumps(body).decode(),
            owner=text(event, "user"),
        )
        self._courier.dispatch(delivery, self._events_posting(delivery))
        return delivery.id

    def resume(self) -> None:
        """Go on with events that were pending when the simulator stopped."""
        for delivery in self._courier.deliveries.values():
            pending = delivery.platform == "slack" and delivery.state == "pending"
            if pending and delivery.kind.startswith("events"):
                self._courier.dispatch(delivery, self._events_posting(delivery))

    def redeliver(self, event_id: str) -> bool:
        """Send a known event once more; False if there is no such event."""
        delivery = self._courier.deliveries.get(event_id)
        if delivery is None or not delivery.kind.startswith("events"):
            return False
        self._courier.dispatch(delivery, self._events_posting(delivery))
        return True

    def _events_posting(self, delivery: Delivery) -> Posting:
        body = delivery.body.encode()

        def make(tries: int) -> tuple[bytes, dict[str, str]]:
            headers = self.headers(body, "application/json")
            if tries:
                timed_out = delivery.attempts[-1].status == 0
                headers |= {
                    "x-slack-retry-num": str(tries),
                    "x-slack-retry-reason": "http_timeout" if timed_out else "http_error",
                }
            return body, headers

        return Posting(make, self._config.simulator_slack_timeout, self._config.simulator_slack_retry_delays)

    async def interaction(self, payload: Json) -> Answer:
        """Send an interaction and wait for the app's answer; Slack does not try these again."""
        body = urlencode({"payload": orjson.dumps(payload).decode()}).encode()
        kind = f"interactivity:{text(payload, 'type')}"
        owner = text(as_object(payload.get("user")), "id")
        delivery = self._single(kind, self._config.simulator_slack_interactivity, body, owner)
        return await self._once(delivery, text(payload, "trigger_id"))

    async def command(self, form: dict[str, str]) -> Answer:
        """Send a slash command and wait for the app's answer."""
        body = urlencode(form).encode()
        url = self._config.simulator_slack_commands
        return await self._once(self._single("commands:slash", url, body, form["user_id"]), form["trigger_id"])

    def _single(self, kind: str, url: str, body: bytes, owner: str) -> Delivery:
        return Delivery(id=capitals("In"), platform="slack", kind=kind, url=url, body=body.decode(), owner=owner)

    async def _once(self, delivery: Delivery, trigger: str) -> Answer:
        body = delivery.body.encode()

        def make(_tries: int) -> tuple[bytes, dict[str, str]]:
            self._state.start_trigger(trigger)
            return body, self.headers(body, FORM)

        return await self._courier.dispatch(delivery, Posting(make, self._config.simulator_slack_timeout, ()))

    async def raw(self, target: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Post any bytes once to `events`, `interactivity` or `commands`, signed unless `headers` says otherwise."""
        urls = {
            "events": self._config.simulator_slack_events,
            "interactivity": self._config.simulator_slack_interactivity,
            "commands": self._config.simulator_slack_commands,
        }
        sent = self.headers(body, headers.get("content-type", "application/json")) | headers
        return await self._courier.post(urls[target], body, sent, self._config.simulator_slack_timeout)

    async def verify(self) -> bool:
        """`url_verification`: True if the app echoes the challenge."""
        challenge = capitals("")
        body = orjson.dumps({"token": "legacy", "challenge": challenge, "type": "url_verification"})
        heard = await self.raw("events", body, {})
        if heard.body.decode("utf-8", "replace").strip() == challenge:
            return heard.ok
        try:
            return heard.ok and text(as_object(orjson.loads(heard.body)), "challenge") == challenge
        except orjson.JSONDecodeError:
            return False
