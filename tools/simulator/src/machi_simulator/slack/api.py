"""The Web API endpoint: token, encodings, rates, and which function answers which method."""

import secrets
from collections.abc import Callable
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from machi_simulator.changes import Changes
from machi_simulator.jsontree import Json, as_object, text
from machi_simulator.rates import Rates
from machi_simulator.slack.call import Call, flag
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.methods_chat import ChatMethods
from machi_simulator.slack.methods_conversations import ConversationMethods
from machi_simulator.slack.methods_people import FileMethods, PeopleMethods
from machi_simulator.slack.methods_views import ViewMethods
from machi_simulator.slack.model import ResponseUrl, SlackMessage
from machi_simulator.slack.posting import Posting, check_content
from machi_simulator.slack.state import RESPONSE_USES, SlackState

Method = Callable[[Call], Json]
PER_MINUTE = {2: 20, 3: 50, 4: 100}
POSTS_BURST = 4
JSON_ARGUMENTS = ("blocks", "view", "files", "attachments", "metadata", "users")


class SlackApi:
    """Web API methods, the upload address, file downloads and response_url."""

    def __init__(self, state: SlackState, posting: Posting, changes: Changes) -> None:
        self._state = state
        self._posting = posting
        self._rates = Rates(state.clock)
        self.views = ViewMethods(state, changes)
        chat = ChatMethods(state, posting)
        rooms = ConversationMethods(state)
        people = PeopleMethods(state)
        files = FileMethods(state, posting)
        self._methods: dict[str, tuple[int, Method]] = {
            "auth.test": (0, people.auth_test),
            "chat.postMessage": (0, chat.post_message),
            "chat.postEphemeral": (4, chat.post_ephemeral),
            "chat.update": (3, chat.update),
            "chat.delete": (3, chat.delete),
            "chat.getPermalink": (0, chat.permalink),
            "reactions.add": (3, chat.react),
            "conversations.create": (2, rooms.create),
            "conversations.join": (3, rooms.join),
            "conversations.invite": (3, rooms.invite),
            "conversations.list": (2, rooms.list_all),
            "conversations.info": (3, rooms.info),
            "conversations.members": (4, rooms.members),
            "conversations.open": (3, rooms.open_direct),
            "conversations.history": (3, rooms.history),
            "conversations.replies": (3, rooms.replies),
            "users.info": (4, people.info),
            "users.list": (2, people.list_all),
            "users.lookupByEmail": (3, people.by_email),
            "files.getUploadURLExternal": (4, files.upload_url),
            "files.completeUploadExternal": (4, files.complete),
            "files.info": (4, files.info),
            "files.delete": (3, files.delete),
            "views.open": (4, self.views.open_modal),
            "views.push": (4, self.views.push),
            "views.update": (4, self.views.update),
            "views.publish": (4, self.views.publish),
        }

    def routes(self) -> list[BaseRoute]:
        """Endpoints under `/slack`."""
        return [
            Route("/api/{method}", self.call, methods=["GET", "POST"]),
            Route("/upload/{file}", self.upload, methods=["POST"]),
            Route("/files/{file}/{name}", self.download),
            Route("/response/{secret}", self.respond, methods=["POST"]),
        ]

    async def call(self, request: Request) -> Response:
        """One method call."""
        try:
            args = await _arguments(request)
            self._admit(request, args)
            method = request.path_params["method"]
            found = self._methods.get(method)
            if found is None:
                raise SlackError("unknown_method")
            self._limit(method, found[0], args)
            granted = {"x-oauth-scopes": ",".join(self._state.config.simulator_slack_scopes)}
            return _json({"ok": True} | found[1](Call(method, args)), 200, granted)
        except SlackError as error:
            headers = {"retry-after": str(error.retry_after)} if error.retry_after else None
            return _json(error.body(), 429 if error.retry_after else 200, headers)

    async def upload(self, request: Request) -> Response:
        """The bytes of a file, raw or as the first file of a form."""
        file = self._state.files.get(request.path_params["file"])
        if file is None or file.uploaded:
            return Response("not found", 404)
        body, kind = await _uploaded(request)
        if len(body) != file.size:
            return Response(f"expected {file.size} bytes", 400)
        self._state.journal.put_blob(f"slack/{file.id}", body)
        file.uploaded, file.content_type = True, kind or _guess(body)
        self._state.files.put(file)
        return Response(f"OK - {file.size}")

    async def download(self, request: Request) -> Response:
        """A file's bytes, for holders of the token."""
        file = self._state.files.get(request.path_params["file"])
        body = self._state.journal.blob(f"slack/{file.id}") if file else None
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self._state.config.slack_bot_token:
            return Response("sign in first", 403)
        if file is None or body is None:
            return Response("not found", 404)
        return Response(body, media_type=file.content_type)

    async def respond(self, request: Request) -> Response:
        """response_url: a message to the person, or to all, or in place of the one pressed."""
        entry = self._state.response_urls.get(request.path_params["secret"])
        if entry is None or entry.expires <= self._state.clock.now() or entry.uses >= RESPONSE_USES:
            return _json({"ok": False, "error": "expired_url" if entry is None or not entry.uses else "used_url"}, 404)
        try:
            body = as_object(orjson.loads(await request.body()))
            self.answer_interaction(entry, body)
        except orjson.JSONDecodeError:
            return _json({"ok": False, "error": "invalid_payload"}, 400)
        except SlackError as error:
            return _json(error.body(), 400)
        entry.uses += 1
        self._state.response_urls.put(entry)
        return Response("ok")

    def answer_interaction(self, entry: ResponseUrl, body: Json) -> None:
        """The effect of an answer to an interaction. Raises SlackError."""
        original = self._state.message(entry.channel, entry.message_ts)
        if flag(body, "delete_original") and original is not None:
            self._posting.delete(original)
            return
        written = check_content(self._state, body)
        if flag(body, "replace_original") and original is not None:
            self._posting.change(original, written)
        elif text(body, "response_type") == "in_channel":
            self._posting.as_app(entry.channel, written, body)
        else:
            self._posting.for_one(entry.channel, entry.user, written, _thread(original, body))

    def _admit(self, request: Request, args: Json) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or text(args, "token")
        if not given:
            raise SlackError("not_authed")
        if not secrets.compare_digest(given.encode(), self._state.config.slack_bot_token.encode()):
            raise SlackError("invalid_auth")

    def _limit(self, method: str, tier: int, args: Json) -> None:
        wait = 0
        if method == "chat.postMessage":
            wait = self._rates.take(f"slack post {text(args, 'channel')}", 1, POSTS_BURST)
        elif tier:
            most = PER_MINUTE[tier]
            wait = self._rates.take(f"slack {method}", most / 60, most)
        if wait:
            raise SlackError("ratelimited", retry_after=wait)


def _thread(original: SlackMessage | None, body: Json) -> str:
    return text(body, "thread_ts") or (original.thread_ts if original else "")


def _json(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


async def _arguments(request: Request) -> Json:
    args: Json = {key: _parsed(key, value) for key, value in request.query_params.items()}
    content_type = request.headers.get("content-type", "")
    body = await request.body()
    if content_type.startswith("application/json"):
        try:
            given = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError as error:
            raise SlackError("invalid_json") from error
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        return args | given
    if content_type.startswith("multipart/form-data"):
        form = await request.form()
        return args | {key: _parsed(key, str(value)) for key, value in form.items()}
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return args | {key: _parsed(key, value) for key, value in pairs}


def _parsed(key: str, value: str) -> object:
    if key not in JSON_ARGUMENTS or not value.startswith(("[", "{")):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        names = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
        raise SlackError(names.get(key, "invalid_arguments")) from error


async def _uploaded(request: Request) -> tuple[bytes, str]:
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        body = await request.body()
        kind = content_type if content_type.startswith(("image/", "application/pdf", "text/")) else ""
        return body, kind
    form = await request.form()
    for value in form.values():
        if not isinstance(value, str):
            return await value.read(), value.content_type or ""
    return b"", ""


def _guess(body: bytes) -> str:
    if body.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/png" if body.startswith(b"\x89PNG") else "application/octet-stream"
