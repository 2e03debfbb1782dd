"""Slack's limits for blocks and views."""

from collections.abc import Callable, Iterator
from copy import deepcopy

from machi_simulator.ids import letters
from machi_simulator.jsontree import Json, as_list, as_object, child, children, text, walk
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.rules_elements import (
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    Scope,
    check_element,
    check_image,
    check_string,
    check_text,
    said,
)

IN_MESSAGE = {
    "section",
    "divider",
    "image",
    "actions",
    "context",
    "header",
    "input",
    "rich_text",
    "file",
    "video",
    "markdown",
    "table",
}
IN_VIEW = IN_MESSAGE - {"file", "markdown", "table"}


def check_message_blocks(blocks: object, known_file: Callable[[str], bool]) -> list[Json]:
    """The blocks of a message, with ids filled in. Raises SlackError invalid_blocks."""
    found = list(_blocks(blocks, 50, Scope("message", known_file)))
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if found:
        raise SlackError("invalid_blocks", found)
    return _with_ids([as_object(block) for block in blocks])


def check_view(view: Json, known_file: Callable[[str], bool]) -> Json:
    """A view, with ids filled in. Raises SlackError invalid_arguments."""
    kind = text(view, "type")
    if kind not in ("modal", "home"):
        raise SlackError("invalid_arguments", [said(f"unsupported type: {kind}", "/view/type")])
    found = [*_frame(view, kind), *_blocks(view.get("blocks"), 100, Scope(kind, known_file), "/view/blocks")]
    if found:
        raise SlackError("invalid_arguments", found)
    return view | {"blocks": _with_ids(children(view, "blocks"))}


def _frame(view: Json, kind: str) -> Iterator[str]:
    yield from check_string(view, "/view", {"private_metadata": 3000, "callback_id": 255, "external_id": 255})
    if kind == "home":
        return
    yield from check_text(child(view, "title"), "/view/title", 24, plain=True)
    for key in ("submit", "close"):
        if view.get(key) is not None:
            yield from check_text(child(view, key), f"/view/{key}", 24, plain=True)
    if view.get("submit") is None and any(text(block, "type") == "input" for block in children(view, "blocks")):
        yield said("missing required field: submit (the view has input blocks)", "/view")


def _blocks(blocks: object, most: int, scope: Scope, root: str = "/blocks") -> Iterator[str]:
    rows = as_list(blocks)
    if len(rows) > most:
        yield said(f"no more than {most} items allowed", root)
    if not rows and scope.surface != "message":
        yield said("missing required field: blocks", root)
    for at, block in enumerate(rows):
        yield from _block(as_object(block), f"{root}/{at}", scope)


def _block(block: Json, where: str, scope: Scope) -> Iterator[str]:
    kind = text(block, "type")
    if kind not in (IN_MESSAGE if scope.surface == "message" else IN_VIEW):
        yield said(f"unsupported type: {kind}", f"{where}/type")
        return
    yield from check_string(block, where, {"block_id": 255})
    block_id = text(block, "block_id")
    if block_id and block_id in scope.block_ids:
        yield said(f"`block_id` {block_id} already exists for another block", f"{where}/block_id")
    scope.block_ids.add(block_id)
    check = _KINDS.get(kind)
    if check is not None:
        yield from check(block, where, scope)


def _section(block: Json, where: str, scope: Scope) -> Iterator[str]:
    fields = children(block, "fields")
    if "text" not in block and not fields:
        yield said("must define either `fields` or `text`", where)
    if "text" in block:
        yield from check_text(child(block, "text"), f"{where}/text", 3000)
    if "fields" in block and not 1 <= len(fields) <= 10:
        yield said("must have between 1 and 10 items", f"{where}/fields")
    for at, field in enumerate(fields):
        yield from check_text(field, f"{where}/fields/{at}", 2000)
    if "accessory" in block:
        yield from check_element(child(block, "accessory"), f"{where}/accessory", IN_SECTION, scope)


def _header(block: Json, where: str, _scope: Scope) -> Iterator[str]:
    yield from check_text(child(block, "text"), f"{where}/text", 150, plain=True)


def _image(block: Json, where: str, scope: Scope) -> Iterator[str]:
    yield from check_image(block, where, scope)
    if "title" in block:
        yield from check_text(child(block, "title"), f"{where}/title", 2000, plain=True)


def _actions(block: Json, where: str, scope: Scope) -> Iterator[str]:
    elements = children(block, "elements")
    if not 1 <= len(elements) <= 25:
        yield said("must have between 1 and 25 items", f"{where}/elements")
    for at, element in enumerate(elements):
        yield from check_element(element, f"{where}/elements/{at}", IN_ACTIONS, scope)


def _context(block: Json, where: str, scope: Scope) -> Iterator[str]:
    elements = children(block, "elements")
    if not 1 <= len(elements) <= 10:
        yield said("must have between 1 and 10 items", f"{where}/elements")
    for at, element in enumerate(elements):
        spot = f"{where}/elements/{at}"
        if text(element, "type") == "image":
            yield from check_image(element, spot, scope)
        else:
            yield from check_text(element, spot, 2000)


def _input(block: Json, where: str, scope: Scope) -> Iterator[str]:
    yield from check_text(child(block, "label"), f"{where}/label", 2000, plain=True)
    if block.get("hint") is not None:
        yield from check_text(child(block, "hint"), f"{where}/hint", 2000, plain=True)
    yield from check_element(child(block, "element"), f"{where}/element", IN_INPUT, scope)


def _markdown(block: Json, where: str, _scope: Scope) -> Iterator[str]:
    yield from check_string(block, where, {"text": 12_000})


_KINDS: dict[str, Callable[[Json, str, Scope], Iterator[str]]] = {
    "section": _section,
    "header": _header,
    "image": _image,
    "actions": _actions,
    "context": _context,
    "input": _input,
    "markdown": _markdown,
}
INTERACTIVE = IN_ACTIONS | IN_INPUT


def _with_ids(blocks: list[Json]) -> list[Json]:
    blocks = [deepcopy(block) for block in blocks]
    for block in blocks:
        if not text(block, "block_id"):
            block["block_id"] = letters(5)
        for element in walk(block):
            if text(element, "type") in INTERACTIVE and not text(element, "action_id"):
                element["action_id"] = letters(5)
    return blocks
