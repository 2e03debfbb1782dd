"""POST /line/webhook: verify, keep, answer; nothing is done here that could wait."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.trace import SpanKind
from starlette.requests import Request
from starlette.responses import Response

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_line.domain.webhook import Ignored, Json, Webhook, read_webhook, signed
from machi_channel_line.entrypoints.decoding import decode_event
from machi_sdk.clock import Clock
from machi_sdk.errors import Unavailable
from machi_sdk.http import bounded_body
from machi_sdk.inbound import Entrance
from machi_sdk.settings import LineSettings
from machi_sdk.telemetry import counter, get_logger, remote_span

MOST_BYTES = 4_000_000  # LINE names no limit, and one that is refused for its size can never come through

log = get_logger()


@dataclass(frozen=True)
class Door:
    """What the webhook needs from the pod."""

    channels: Mapping[str, LineSettings]
    entrance: Entrance
    clock: Clock
    troubles: Callable[[], Mapping[str, str]]


class WebhookEndpoint:
    """Answers 200 only when every event is stored."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._tenants = {line.bot_user_id: tenant for tenant, line in door.channels.items()}

    async def __call__(self, request: Request) -> Response:
        """413 too long · 400 not a webhook · 404 not our account · 401 not LINE's signature · 503 try again."""
        body = await bounded_body(request, MOST_BYTES)
        if body is None:
            return _answer(413, "too-large")
        try:
            webhook = read_webhook(json.loads(body))  # as liberal as can be: one odd letter must not cost all events
        except (ValueError, RecursionError):
            return _answer(400, "malformed")
        tenant = self._tenants.get(webhook.destination)
        if tenant is None:
            return _answer(404, "unknown-destination")
        secret = self._door.channels[tenant].channel_secret.get_secret_value()
        signature = request.headers.get("x-line-signature", "")
        if not signed(secret, body, signature):
            return _answer(401, "bad-signature" if signature else "unsigned")
        return await self._take(webhook, tenant)

    async def _take(self, webhook: Webhook, tenant: str) -> Response:
        if not webhook.events:
            troubles = self._door.troubles()
            return _answer(503, "not-ready") if troubles else _answer(200, "verified")
        with remote_span("line webhook", {}, SpanKind.SERVER):
            try:
                await self._store(self._wanted(webhook.events), tenant)
            except Unavailable as error:
                log.warning("webhook refused", reason=error.slug)
                return _answer(503, "not-stored")
        return _answer(200, "accepted")

    def _wanted(self, events: Sequence[Json]) -> list[InboundEvent]:
        now = self._door.clock.now()
        wanted = []
        for event in events:
            decoded = decode_event(event, now)
            if isinstance(decoded, Ignored):
                counter("machi_webhooks_total").labels("line", f"ignored-{decoded.why}").inc()
            else:
                wanted.append(decoded)
        return wanted

    async def _store(self, events: Sequence[InboundEvent], tenant: str) -> None:
        await asyncio.gather(*(self._door.entrance.store(event, tenant) for event in events))


def _answer(status: int, outcome: str) -> Response:
    counter("machi_webhooks_total").labels("line", outcome).inc()
    return Response(b"{}", status, media_type="application/json")
