"""An HTTP proxy that notes what goes through it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

_OWN = {"connection", "content-length", "host", "transfer-encoding"}


@asynccontextmanager
async def noting_proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """Its address, and the paths asked for through it so far; for `http://` only."""
    seen: list[str] = []
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(request: web.BaseRequest) -> web.StreamResponse:
            seen.append(request.url.path)
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN}
            body = await request.read()
            async with session.request(request.method, request.url, data=body, headers=headers) as found:
                told = {name: value for name, value in found.headers.items() if name.lower() not in _OWN}
                return web.Response(status=found.status, body=await found.read(), headers=told)

        runner = web.ServerRunner(web.Server(forward))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}", seen
        finally:
            await runner.cleanup()
