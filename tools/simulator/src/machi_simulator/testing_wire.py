"""The HTTP side of the testing client."""

from io import BytesIO

import aiohttp
import orjson
from pydantic import BaseModel

from machi_simulator.jsontree import Json


class RefusedError(AssertionError):
    """The control API could not do what was asked."""


class RawAnswer(BaseModel):
    """What a webhook answered to a raw post; status 0 means nothing came."""

    status: int
    body: str = ""
    error: str = ""


class Wire:
    """Requests to `/_control`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = f"{url}/_control"
        self._session = session

    async def get(self, path: str, query: dict[str, str] | None = None) -> object:
        """The JSON answer of a GET."""
        return await self._ask("GET", path, query, None)

    async def post(self, path: str, body: Json) -> object:
        """The JSON answer of a POST."""
        return await self._ask("POST", path, None, body)

    async def delete(self, path: str) -> object:
        """The JSON answer of a DELETE."""
        return await self._ask("DELETE", path, None, None)

    async def _ask(self, method: str, path: str, query: dict[str, str] | None, body: Json | None) -> object:
        data = None if body is None else BytesIO(orjson.dumps(body))
        async with self._session.request(method, self._url + path, params=query, data=data) as response:
            answer: object = orjson.loads(await response.read())
            if response.status != 200:
                raise RefusedError(f"{method} {path}: {answer}")
            return answer
