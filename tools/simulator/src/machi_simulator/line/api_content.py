"""The data host: photos and files residents sent, until they expire."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from machi_simulator.line.door import Door, answer
from machi_simulator.line.errors import LineError
from machi_simulator.line.model import Media
from machi_simulator.line.state import LineState


class ContentApi:
    """Content of messages."""

    def __init__(self, state: LineState) -> None:
        self._state = state

    def routes(self, door: Door) -> list[BaseRoute]:
        """Endpoints."""
        path = "/v2/bot/message/{message}/content"
        return [
            door.route("GET", path, self.content),
            door.route("GET", f"{path}/preview", self.content),
            door.route("GET", f"{path}/transcoding", self.transcoding),
        ]

    async def content(self, request: Request) -> Response:
        """The bytes; gone once expired or unsent."""
        media = self._media(request)
        body = self._state.journal.blob(f"line/{media.id}")
        if body is None:
            raise LineError(404, "Not found")
        return Response(body, media_type=media.content_type)

    async def transcoding(self, request: Request) -> Response:
        """Videos and audio are ready at once here."""
        self._media(request)
        return answer({"status": "succeeded"})

    def _media(self, request: Request) -> Media:
        media = self._state.media.get(request.path_params["message"])
        message = self._state.messages.get(request.path_params["message"])
        if media is None or message is None:
            raise LineError(404, "Not found")
        if media.expired or message.unsent:
            raise LineError(410, "Gone")
        return media
