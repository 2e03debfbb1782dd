"""A person's home tab."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    SectionBlock,
)

from machi.dialogue.v1.desk_card_pb2 import BoardLine, BoardSection
from machi_channel_slack.rendering import limits
from machi_channel_slack.rendering.plain import Say, ago, plain

LinkOf = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Day:
    """What an officer has before them; `links` open the cards that stand somewhere, `partial` when a pod was silent."""

    sections: Sequence[BoardSection]
    links: LinkOf
    partial: bool = False


def day_home(day: Day, say: Say) -> dict[str, object]:
    """The officer's day, in as many blocks as a home tab takes."""
    return _home(_blocks(day, say))


def stranger_home(say: Say) -> dict[str, object]:
    """A kind page for who is not of the city's staff."""
    return _home(iter([_heading(say("home.title-stranger")), SectionBlock(text=plain(say("home.stranger")))]))


def _blocks(day: Day, say: Say) -> Iterator[Block]:
    yield _heading(say("home.title"))
    if day.partial:
        yield _small(say("home.partial"))
    if not day.sections:
        yield SectionBlock(text=plain(say("home.no-desk" if not day.partial else "home.nothing")))
    for at, section in enumerate(day.sections):
        yield DividerBlock()
        yield _heading(say("home.count", title=section.title, n=section.total))
        for row, line in enumerate(section.lines):
            yield _line(line, f"open-{at}-{row}", day.links.get((line.card_id, line.desk_id), ""), say)
        left = section.total - len(section.lines)
        if left > 0:
            yield _small(say("home.more", n=left))
        elif not section.lines:
            yield _small(say("home.nothing"))


def _line(line: BoardLine, action_id: str, link: str, say: Say) -> SectionBlock:
    parts = [f"*{limits.escaped(line.number)}*", *map(limits.escaped, filter(None, (line.title, line.detail)))]
    if line.opened_ago:
        parts.append(ago(line.opened_at.seconds, line.opened_ago))
    if line.note:
        parts.append(f"*{limits.escaped(line.note)}*")
    button = ButtonElement(text=plain(say("home.open"), limits.BUTTON_LABEL), action_id=action_id, url=link)
    text = MarkdownTextObject(text=limits.cut(" · ".join(parts), limits.SECTION), verbatim=True)
    return SectionBlock(text=text, accessory=button if link else None)


def _home(blocks: Iterator[Block]) -> dict[str, object]:
    found = [block.to_dict() for block in blocks]
    return {"type": "home", "blocks": found[: limits.HOME_BLOCKS]}


def _heading(text: str) -> HeaderBlock:
    return HeaderBlock(text=plain(text, limits.HEADER))


def _small(text: str) -> ContextBlock:
    return ContextBlock(elements=[plain(text, limits.CONTEXT)])
