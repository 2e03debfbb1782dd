"""What the views share: templates, the reader's language and look, forms, live updates."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from machi_simulator.changes import Changes
from machi_simulator.words import Say, names, spoken

HERE = Path(__file__).parent
TOKYO = timezone(timedelta(hours=9))
LINK = re.compile(r"https?://[^\s<>\"'、。）]+")
WAIT = 20.0
LANGUAGE, LOOK = "view_language", "view_look"
LOOKS = ("", "light", "dark")
YEAR = 365 * 24 * 3600
# A page of ours and nothing else: a form may not send its reader elsewhere.
OURS = re.compile(r"/(?:phone|phones|workspace|timeline)/(?:\?|#|$)")


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


def day(at: float, say: Say) -> str:
    """A day in Japan as it stands between messages."""
    found = datetime.fromtimestamp(at, UTC).astimezone(TOKYO)
    weekday = say("day.weekdays").split()[found.weekday()]
    return say("day.form", year=found.year, month=found.month, day=found.day, weekday=weekday)


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


def language_of(request: Request) -> str:
    """What the reader chose, else what the browser prefers."""
    return spoken(request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", ""))


def say_for(request: Request) -> Say:
    """Says the views' words in the reader's language."""
    return Say(language_of(request))


class Site:
    """Renders pages and tells open ones when to look again."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._environment = make_environment()

    def page(self, request: Request, template: str, context: Mapping[str, object]) -> Response:
        """A page in the reader's language and look; it must not be cached."""
        look = request.cookies.get(LOOK, "")
        shared: dict[str, object] = {
            "t": say_for(request),
            "language": language_of(request),
            "view_languages": names(),
            "look": look if look in LOOKS else "",
            "looks_offered": LOOKS,
            "address": str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
            "version": self._changes.version,
        }
        html = self._environment.get_template(template).render(shared | dict(context))
        return HTMLResponse(html, headers={"cache-control": "no-store"})

    async def live(self, request: Request) -> Response:
        """Answers when something changed since `since`, at the latest after 20 seconds."""
        since = request.query_params.get("since", "")
        known = int(since) if since.isdecimal() else -1
        return JSONResponse({"version": await self._changes.beyond(known, WAIT)}, headers={"cache-control": "no-store"})

    async def choose(self, request: Request) -> Response:
        """Remember the reader's language and look."""
        async with request.form() as form:
            answer = returned(form, "/phone/")
            for cookie, known in ((LANGUAGE, names()), (LOOK, LOOKS)):
                if word(form, cookie) in known:
                    answer.set_cookie(cookie, word(form, cookie), max_age=YEAR, httponly=True, samesite="lax")
        return answer


def back(path: str, **query: str) -> Response:
    """After a form: back to the page by GET; empty values are left out."""
    return RedirectResponse(f"{path}?{urlencode({key: value for key, value in query.items() if value})}", 303)


def returned(form: FormData, otherwise: str, **query: str) -> Response:
    """Back to where the form stood (its field `back`), with what is new in the query; its fragment is the spot."""
    where = word(form, "back")
    parts = urlsplit(where if OURS.match(where) else otherwise)
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("notice", "notice_for", "open")]
    new = [pair for pair in query.items() if pair[1] and pair not in kept]
    return RedirectResponse(urlunsplit(("", "", parts.path, urlencode([*kept, *new]), parts.fragment)), 303)


def word(form: FormData, key: str) -> str:
    """A text field of a form; browsers send line ends as CRLF."""
    value = form.get(key)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


async def files_of(form: FormData, key: str) -> list[tuple[bytes, str, str]]:
    """A file field: bytes, content type, name of each file that was chosen."""
    chosen = [value for value in form.getlist(key) if isinstance(value, UploadFile) and value.filename]
    return [
        (await each.read(), each.content_type or "application/octet-stream", each.filename or "") for each in chosen
    ]
