"""Rich text as HTML: words stand exactly as they were sent, nothing in them is markup."""

from collections.abc import Callable
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from machi_simulator.jsontree import Json, child, children, text

STYLES = {
    "bold": Markup("<strong>{}</strong>"),
    "italic": Markup("<em>{}</em>"),
    "strike": Markup("<s>{}</s>"),
    "code": Markup("<code>{}</code>"),
}
Name = Callable[[str], str]


def render(block: Json, name: Name) -> Markup:
    """A rich_text block; `name` says who is behind a user or channel id."""
    return Markup("").join(_part(part, name) for part in children(block, "elements"))


def _part(part: Json, name: Name) -> Markup:
    kind = text(part, "type")
    if kind == "rich_text_list":
        items = Markup("").join(Markup("<li>{}</li>").format(_line(item, name)) for item in children(part, "elements"))
        shell = Markup("<ol>{}</ol>") if text(part, "style") == "ordered" else Markup("<ul>{}</ul>")
        return shell.format(items)
    if kind == "rich_text_preformatted":
        return Markup("<pre>{}</pre>").format(_line(part, name))
    if kind == "rich_text_quote":
        return Markup('<blockquote class="words">{}</blockquote>').format(_line(part, name))
    return Markup('<p class="words">{}</p>').format(_line(part, name))


def _line(part: Json, name: Name) -> Markup:
    return Markup("").join(_word(element, name) for element in children(part, "elements"))


def _word(element: Json, name: Name) -> Markup:
    kind = text(element, "type")
    if kind == "link":
        url = text(element, "url")
        shown = text(element, "text") or url
        safe = urlsplit(url).scheme in ("http", "https", "mailto", "tel")
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, shown) if safe else escape(shown)
    if kind in ("user", "channel"):
        return escape(f"{'@' if kind == 'user' else '#'}{name(text(element, f'{kind}_id'))}")
    if kind == "emoji":
        return escape(f":{text(element, 'name')}:")
    found = escape(text(element, "text"))
    for style, shell in STYLES.items():
        if child(element, "style").get(style) is True:
            found = shell.format(found)
    return found
