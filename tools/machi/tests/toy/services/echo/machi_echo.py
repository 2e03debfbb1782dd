"""A toy pod: refuses to live without its database, then answers."""

import asyncio
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import asyncpg


class Answer(BaseHTTPRequestHandler):
    """Says with which extra environment this process was started."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get("TOY_WORD", "plain").encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


async def count_rights() -> str:
    """The role this pod works as."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    name: str = await connection.fetchval("SELECT current_user")
    await connection.close()
    return name


assert asyncio.run(count_rights()) == "echo"
host, port = os.environ["MACHI_HTTP_ADDRESS"].split(":")
HTTPServer((host, int(port)), Answer).serve_forever()
