"""What both views share: templates, forms, live updates."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from machi_simulator.changes import Changes
from machi_simulator.jsontree import Json

HERE = Path(__file__).parent
TOKYO = timezone(timedelta(hours=9))
LINK = re.compile(r"https?://[^\s<>\"'、。）]+")
WAIT = 20.0


def make_environment() -> Environment:
    """Templates with autoescaping; a field a message lacks counts as empty."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["clock"] = clock
    found.filters["linked"] = linked
    return found


def clock(at: float) -> str:
    """A time of day in Japan."""
    return datetime.fromtimestamp(at, UTC).astimezone(TOKYO).strftime("%H:%M")


def linked(words: str) -> Markup:
    """Plain words with web addresses as links."""
    out = Markup()
    place = 0
    for found in LINK.finditer(words):
        address = escape(found[0])
        link = Markup('<a href="{0}" rel="noreferrer" target="_blank">{0}</a>').format(address)
        out += escape(words[place : found.start()]) + link
        place = found.end()
    return out + escape(words[place:])


class Site:
    """Renders pages and tells open ones when to look again."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._environment = make_environment()

    def page(self, template: str, context: Mapping[str, object], status: int = 200) -> Response:
        """A page; it must not be cached."""
        html = self._environment.get_template(template).render(version=self._changes.version, **context)
        return HTMLResponse(html, status, {"cache-control": "no-store"})

    async def live(self, request: Request) -> Response:
        """Answers when something changed since `since`, at the latest after 20 seconds."""
        since = request.query_params.get("since", "")
        known = int(since) if since.isdecimal() else -1
        return JSONResponse({"version": await self._changes.beyond(known, WAIT)}, headers={"cache-control": "no-store"})


def back(path: str, **query: str) -> Response:
    """After a form: back to the page by GET; empty values are left out."""
    return RedirectResponse(f"{path}?{urlencode({key: value for key, value in query.items() if value})}", 303)


def word(form: FormData, key: str) -> str:
    """A text field of a form; browsers send line ends as CRLF."""
    value = form.get(key)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


async def file_of(form: FormData, key: str) -> tuple[bytes, str, str] | None:
    """A file field: bytes, content type, name; None if nothing was chosen."""
    value = form.get(key)
    if not isinstance(value, UploadFile) or not value.filename:
        return None
    return await value.read(), value.content_type or "application/octet-stream", value.filename


def plain(form: FormData) -> Json:
    """All text fields."""
    return {key: value for key, value in form.items() if isinstance(value, str)}
