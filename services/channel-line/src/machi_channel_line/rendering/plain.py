"""The last resort for an answer that LINE refused: everything that it says, as nothing but text."""

from collections.abc import Iterator, Mapping, Sequence

from machi_channel_line.ports import Body
from machi_channel_line.rendering import limits

# `altText` says again what stands in the message.
_SAID = ("title", "text", "address")
# Answers that can be typed instead of pressed: no camera is.
_TYPED = ("postback", "message")


def in_plain_words(bodies: Sequence[Body]) -> list[dict[str, object]]:
    """A text message for each that says something: its words, its links, and below them the answers to type."""
    texts = ("\n".join([*_words(body), *_answers(body)]) for body in bodies)
    return [{"type": "text", "text": limits.cut(text, limits.TEXT)} for text in texts if text.strip()]


def _words(part: object) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _words(each)
    elif isinstance(part, dict):
        yield from (str(part[name]) for name in _SAID if part.get(name))
        yield from _action(part.get("action"))
        for name in ("header", "hero", "body", "footer", "contents"):
            yield from _words(part.get(name))


def _answers(body: Body) -> Iterator[str]:
    replies = body.get("quickReply")
    items = replies.get("items") if isinstance(replies, dict) else None
    for item in items if isinstance(items, list) else ():
        action = item.get("action")
        yield from _action(action) if action.get("type") in _TYPED else ()


def _action(action: object) -> Iterator[str]:
    if isinstance(action, Mapping) and action.get("label"):
        yield "• " + " ".join(str(action[name]) for name in ("label", "uri") if action.get(name))
