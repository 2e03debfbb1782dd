"""Words as a person typed them, out of Slack's rich text; `text` beside it has codes for emoji and drops markup.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

import re
from collections.abc import Iterator, Sequence

from machi_channel_slack.domain.nodes import Json, parts, words

_BULLET, _INDENT = "• ", "    "
_NAMED = {
    "text": ("", "text"),
    "user": ("@", "user_id"),
    "usergroup": ("@", "usergroup_id"),
    "channel": ("#", "channel_id"),
    "broadcast": ("@", "range"),
}

_BY_ID = ("user", "usergroup", "channel")
_ADDRESS = re.compile(r"[@\d]")


def rich_words(blocks: Sequence[Json]) -> str:
    """All words of the rich text among the blocks, line by line; empty when there is none."""
    rich = (block for block in blocks if block.get("type") == "rich_text")
    return "\n".join(line for block in rich for line in _lines(parts(block, "elements")))


def rich_mentions(blocks: Sequence[Json]) -> list[str]:
    """The people, groups, and channels among the words, as they stand there: by id."""
    rich = (block for block in blocks if block.get("type") == "rich_text")
    return [found for block in rich for found in _mentions(block)]


def led_to(url: str, label: str) -> str:
    """Where a link leads, as people write it: Slack makes one of every mail address, and nobody typed its scheme."""
    if not url.startswith(("mailto:", "tel:")):
        return url
    return label if _ADDRESS.search(label) else url.partition(":")[2]


def _mentions(element: Json) -> Iterator[str]:
    if words(element, "type") in _BY_ID:
        yield _word(element)
    for inside in parts(element, "elements"):
        yield from _mentions(inside)


def _lines(elements: Sequence[Json]) -> Iterator[str]:
    for element in elements:
        inside = parts(element, "elements")
        if element.get("type") == "rich_text_list":
            yield from (f"{_mark(element, at)}{_line(parts(item, 'elements'))}" for at, item in enumerate(inside))
        else:
            yield _line(inside).removesuffix("\n")


def _mark(element: Json, at: int) -> str:
    indent = _INDENT * min(_number(element, "indent"), 8)
    return f"{indent}{_number(element, 'offset') + at + 1}. " if element.get("style") == "ordered" else indent + _BULLET


def _number(node: Json, key: str) -> int:
    found = node.get(key)
    return min(max(found, 0), 10_000) if isinstance(found, int) else 0


def _line(elements: Sequence[Json]) -> str:
    return "".join(map(_word, elements))


def _word(element: Json) -> str:
    kind = words(element, "type")
    if kind in _NAMED:
        sign, key = _NAMED[kind]
        return f"{sign}{words(element, key)}"
    if kind == "emoji":
        return _emoji(element)
    if kind == "link":
        label = words(element, "text")
        url = led_to(words(element, "url"), label)
        return f"{label} ({url})" if label and label not in url else url
    return words(element, "fallback") or words(element, "value")  # a date, a colour, or what Slack invents next


def _emoji(element: Json) -> str:
    """The characters themselves; a workspace's own emoji have none and keep their name."""
    try:
        shown = "".join(chr(int(code, 16)) for code in words(element, "unicode").split("-"))
        return shown.encode().decode()  # half a character is none
    except (ValueError, OverflowError):
        return f":{words(element, 'name')}:"
