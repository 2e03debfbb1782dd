"""The account and its people: profile, bot info, quota, webhook address, the loading sign."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from machi_simulator.changes import Changes
from machi_simulator.config import Config
from machi_simulator.courier import Answer
from machi_simulator.jsontree import text, whole
from machi_simulator.line import schema
from machi_simulator.line.api_messages import USER_ID
from machi_simulator.line.door import Door, answer, read_json
from machi_simulator.line.errors import LineError, Problem, invalid
from machi_simulator.line.model import LoadingSign
from machi_simulator.line.state import LineState
from machi_simulator.line.webhook import LineWebhook

TESTS_AN_HOUR = 60


class AccountApi:
    """Endpoints about the account and single persons."""

    def __init__(self, config: Config, state: LineState, webhook: LineWebhook, changes: Changes) -> None:
        self._config = config
        self._state = state
        self._webhook = webhook
        self._changes = changes

    def routes(self, door: Door) -> list[BaseRoute]:
        """Endpoints."""
        endpoint = "/v2/bot/channel/webhook/endpoint"
        return [
            door.route("GET", "/v2/bot/info", self.info),
            door.route("GET", "/v2/bot/profile/{user}", self.profile),
            door.route("GET", "/v2/bot/message/quota", self.quota),
            door.route("GET", "/v2/bot/message/quota/consumption", self.consumption),
            door.route("GET", endpoint, self.endpoint),
            door.route("PUT", endpoint, self.set_endpoint),
            door.shared("POST", "/v2/bot/channel/webhook/test", self.test, TESTS_AN_HOUR),
            door.route("POST", "/v2/bot/chat/loading/start", self.loading, per_second=100),
        ]

    async def info(self, _request: Request) -> Response:
        """Who the account is."""
        return answer(
            {
                "userId": self._config.line_bot_user_id,
                "basicId": "@machi",
                "displayName": self._config.simulator_account,
                "chatMode": "bot",
                "markAsReadMode": "auto",
            }
        )

    async def profile(self, request: Request) -> Response:
        """A friend's profile."""
        person = self._state.residents.get(request.path_params["user"])
        if person is None or not person.following or person.blocked:
            raise LineError(404, "Not found")
        spoken = {"language": person.language} if person.language else {}
        return answer({"userId": person.id, "displayName": person.name, **spoken})

    async def quota(self, _request: Request) -> Response:
        """No limit."""
        return answer({"type": "none"})

    async def consumption(self, _request: Request) -> Response:
        """How many pushed messages arrived."""
        pushed = sum(message.how in ("push", "multicast") for message in self._state.messages.values())
        return answer({"totalUsage": pushed})

    async def endpoint(self, _request: Request) -> Response:
        """Where webhooks go."""
        if not self._webhook.url:
            raise LineError(404, "Webhook endpoint not found")
        return answer({"endpoint": self._webhook.url, "active": self._webhook.active})

    async def set_endpoint(self, request: Request) -> Response:
        """Send webhooks elsewhere from now on."""
        body = await read_json(request)
        found = schema.problems("SetWebhookEndpointRequest", body)
        if not text(body, "endpoint").startswith(("https://", "http://127.0.0.1", "http://localhost")):
            found.append(Problem("endpoint", "Must be a valid HTTPS URL"))
        if found:
            raise invalid(found)
        self._state.set("webhook", text(body, "endpoint"))
        return answer({})

    async def test(self, request: Request) -> Response:
        """Call the webhook, or the address in the body, without events."""
        body = await read_json(request) if await request.body() else {}
        if found := schema.problems("TestWebhookEndpointRequest", body):
            raise invalid(found)
        heard = await self._webhook.verify(text(body, "endpoint"))
        return answer(
            {
                "success": heard.ok,
                "timestamp": datetime.fromtimestamp(self._state.clock.now(), UTC).isoformat(),
                "statusCode": heard.status,
                "reason": _reason(heard),
                "detail": str(heard.status or heard.error),
            }
        )

    async def loading(self, request: Request) -> Response:
        """Show that an answer is on its way."""
        body = await read_json(request)
        person, seconds = text(body, "chatId"), whole(body, "loadingSeconds", 20)
        if not USER_ID.fullmatch(person):
            raise invalid([Problem("chatId", "invalid")])
        if seconds % 5 or not 5 <= seconds <= 60:
            raise invalid([Problem("loadingSeconds", "must be a multiple of 5 between 5 and 60")])
        self._state.loading.put(LoadingSign(id=person, until=self._state.clock.now() + seconds))
        self._changes.notify()
        return answer({}, 202)


def _reason(heard: Answer) -> str:
    if heard.ok:
        return "OK"
    if heard.status:
        return "ERROR_STATUS_CODE"
    return "REQUEST_TIMEOUT" if heard.error.startswith("no answer") else "COULD_NOT_CONNECT"
