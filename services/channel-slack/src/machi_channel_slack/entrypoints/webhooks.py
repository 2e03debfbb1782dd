"""POST /slack/events, /slack/interactivity, /slack/commands: verify, keep, answer within three seconds."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import parse_qsl

from opentelemetry.trace import SpanKind
from starlette.requests import Request
from starlette.responses import Response

from machi_channel_slack.domain.address import SlackAddress
from machi_channel_slack.domain.conversations import TakenBack, is_direct, read_command, read_direct
from machi_channel_slack.domain.nodes import Json, part, parts, words
from machi_channel_slack.domain.payloads import Ignored, Malformed, Press, Submission, read_event, read_interaction
from machi_channel_slack.entrypoints.decoding import command_event, conversation_event, events_of, message_id
from machi_channel_slack.entrypoints.door import Door, Signed, answer
from machi_channel_slack.entrypoints.forms import Forms
from machi_sdk.errors import Unavailable
from machi_sdk.http import json_response
from machi_sdk.inbound import EarlierMessages
from machi_sdk.telemetry import counter, get_logger, remote_span

Take = Callable[[Signed, Request], Awaitable[Response]]

log = get_logger()


class Webhooks:
    """The three addresses an app gives to Slack."""

    def __init__(self, door: Door, forms: Forms, earlier: EarlierMessages, command_heard: str) -> None:
        self._door = door
        self._forms = forms
        self._earlier = earlier
        self._command_heard = command_heard

    async def events(self, request: Request) -> Response:
        """Events API: JSON."""
        return await self._guarded(request, self._event)

    async def interactivity(self, request: Request) -> Response:
        """Buttons and forms: a form field `payload` with JSON."""
        return await self._guarded(request, self._interaction)

    async def commands(self, request: Request) -> Response:
        """Slash commands: form fields."""
        return await self._guarded(request, self._command)

    async def _guarded(self, request: Request, take: Take) -> Response:
        signed = await self._door.admit(request)
        if isinstance(signed, Response):
            return signed
        with remote_span("slack webhook", {}, SpanKind.SERVER):
            try:
                return await take(signed, request)
            except Malformed:
                return answer(400, "malformed")
            except Unavailable as error:
                log.warning("webhook refused", reason=error.slug)
                return answer(503, "not-stored")

    async def _event(self, signed: Signed, request: Request) -> Response:
        body = _object(signed.body)
        if words(body, "type") == "url_verification":
            return self._challenge(body)
        if words(body, "type") != "event_callback":
            return answer(200, "ignored-other")
        # In a channel that two workspaces share `team_id` may be the other one's.
        ours = (words(each, "team_id") for each in parts(body, "authorizations"))
        admitted = signed.of(*ours, words(body, "context_team_id"), words(body, "team_id"))
        if admitted is None:
            return answer(403, "other-workspace")
        found = read_direct(body) if is_direct(body) else read_event(body)
        if isinstance(found, TakenBack) and not found.user:
            found = await self._attributed(found, admitted.tenant)
        if isinstance(found, Ignored):
            return answer(200, f"ignored-{found.why}")
        again = "x-slack-retry-num" in request.headers
        return await self._door.keep(events_of(found, admitted.team, self._door.clock.now(), again=again), admitted)

    async def _attributed(self, taken: TakenBack, tenant: str) -> TakenBack | Ignored:
        """Whose message it was, where Slack does not say; messages of the app itself are nobody's."""
        address = await self._earlier.address(tenant, message_id(taken))
        return replace(taken, user=SlackAddress.read(address).user) if address else Ignored("not-a-person")

    def _challenge(self, body: Json) -> Response:
        challenge = words(body, "challenge")
        if not challenge:
            raise Malformed("challenge missing")
        if self._door.troubles():
            return answer(503, "not-ready")
        counter("machi_webhooks_total").labels("slack", "verified").inc()
        return json_response({"challenge": challenge})

    async def _interaction(self, signed: Signed, _request: Request) -> Response:
        fields = _fields(signed.body)
        if fields.get("ssl_check") == "1":
            return answer(200, "ssl-check")
        payload = _object(fields.get("payload", "").encode())
        teams = [
            words(part(payload, "view"), "app_installed_team_id"),
            words(part(payload, "team"), "id"),
            words(part(payload, "user"), "team_id"),
        ]
        admitted = signed.of(*teams)
        if admitted is None:
            return answer(403, "other-workspace") if any(teams) else answer(400, "malformed")
        found = read_interaction(payload)
        if isinstance(found, Press):
            said = conversation_event(found, admitted.team, self._door.clock.now())
            return await (self._door.keep([said], admitted) if said else self._forms.pressed(found, admitted))
        if isinstance(found, Submission):
            return await self._forms.submitted(found, admitted)
        return answer(200, f"ignored-{found.why}")

    async def _command(self, signed: Signed, request: Request) -> Response:
        fields = _fields(signed.body)
        if fields.get("ssl_check") == "1":
            return answer(200, "ssl-check")
        command = read_command(fields)
        admitted = signed.of(fields.get("team_id", ""))
        if admitted is None:
            return answer(403, "other-workspace")
        delivery = request.headers["x-slack-signature"]
        event = command_event(command, admitted.team, delivery, self._door.clock.now())
        await self._door.keep([event], admitted)
        return json_response({"response_type": "ephemeral", "text": self._command_heard})


def _object(body: bytes) -> Json:
    try:
        found = json.loads(body)  # as liberal as can be: one odd letter must not cost the event
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(found, dict):
        raise Malformed("not an object")
    return found


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError as error:
        raise Malformed("not a form") from error
