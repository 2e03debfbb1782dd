"""Slack's mrkdwn as HTML: escapes, emphasis, code, quotes, links, mentions."""

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from machi_simulator.slack.escape import unescape

CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
REFERENCE = re.compile(r"<([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")
EMPHASIS = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "em"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "s"),
)
Name = Callable[[str], str]


def render(words: str, name_of: Name) -> Markup:
    """The words as Slack shows them; `name_of` gives the name behind a user or channel id."""
    out = Markup()
    place = 0
    for found in CODE.finditer(words):
        out += _prose(words[place : found.start()], name_of)
        frame = Markup("<code>{}</code>") if found[1] is None else Markup("<pre>{}</pre>")
        out += frame.format(unescape(found[1] or found[2]))
        place = found.end()
    return out + _prose(words[place:], name_of)


def _prose(words: str, name_of: Name) -> Markup:
    out = Markup()
    place = 0
    for found in REFERENCE.finditer(words):
        out += _emphasis(words[place : found.start()])
        out += _reference(found[1], found[2], name_of)
        place = found.end()
    return out + _emphasis(words[place:])


def _reference(target: str, label: str | None, name_of: Name) -> Markup:
    if target.startswith(("@", "#")):
        return Markup('<span class="mention">{}{}</span>').format(target[0], name_of(target[1:]))
    if target.startswith("!date^"):
        return Markup("<time>{}</time>").format(unescape(label or target.split("^")[1]))
    if target.startswith("!"):
        return Markup('<span class="mention">@{}</span>').format(target[1:])
    address = unescape(target)
    if not address.startswith(("http://", "https://", "mailto:", "tel:")):
        return escape(f"<{target}>")
    return Markup('<a href="{}" rel="noreferrer" target="_blank">{}</a>').format(address, unescape(label or target))


def _emphasis(words: str) -> Markup:
    html = str(escape(unescape(words)))
    for pattern, tag in EMPHASIS:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    lines = [f"<q>{line[5:]}</q>" if line.startswith("&gt; ") else line for line in html.split("\n")]
    return Markup("\n".join(lines))  # noqa: S704 (escaped above, tags are ours)
