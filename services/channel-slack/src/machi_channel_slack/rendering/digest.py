"""Many cards as one message: a line each, with a button that opens it or a link to where it stands."""

from collections.abc import Iterator, Sequence

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    SectionBlock,
)

from machi_channel_slack.domain.cards import Mark, SlackMessage
from machi_channel_slack.domain.digests import DigestKind, DigestLine, DigestState
from machi_channel_slack.domain.press import OPEN, CardRef, encode
from machi_channel_slack.rendering import limits
from machi_channel_slack.rendering.plain import Say, ago, plain

DIGEST_MARK = "machi_digest"
_LINE = 600


def digest_message(state: DigestState, lines: Sequence[DigestLine], say: Say) -> SlackMessage:
    """The list as it stands now."""
    title = _title(state, lines, say)
    mark = Mark(DIGEST_MARK, {"digest_id": state.key.digest_id}, title)
    return SlackMessage(limits.notice(title), tuple(block.to_dict() for block in _blocks(state, lines, say)), mark)


def _blocks(state: DigestState, lines: Sequence[DigestLine], say: Say) -> Iterator[Block]:
    yield HeaderBlock(text=plain(_title(state, lines, say), limits.HEADER))
    for line in lines:
        yield _line(state, line, say)
    if state.more:
        yield ContextBlock(elements=[plain(say("digest.more", n=state.more), limits.CONTEXT)])
    if state.kind is DigestKind.FLOOD:
        yield ContextBlock(elements=[plain(say("digest.note"), limits.CONTEXT)])


def _title(state: DigestState, lines: Sequence[DigestLine], say: Say) -> str:
    return say(f"digest.title-{state.kind}", n=len(lines) + state.more)


def _line(state: DigestState, line: DigestLine, say: Say) -> SectionBlock:
    words = _words(line, say)
    if not line.held:
        return SectionBlock(text=MarkdownTextObject(text=words))
    value = encode(CardRef(line.pod, line.card_id, state.desk_id), OPEN)
    button = ButtonElement(
        text=plain(say("digest.open"), limits.BUTTON_LABEL), action_id=f"{OPEN}/{line.card_id}", value=value
    )
    return SectionBlock(text=MarkdownTextObject(text=words), accessory=button)


def _words(line: DigestLine, say: Say) -> str:
    if line.text is None:
        return "…"
    text = line.text
    number = f"*{limits.escaped(limits.cut(text.number, _LINE))}*"
    brief = limits.escaped(limits.cut(text.brief, _LINE))
    said = f"{number}  {brief}  {ago(int(text.opened_at.timestamp()), text.opened_ago)}"
    if line.link:
        return f"{said}  <{line.link}|{limits.escaped(say('digest.opened'))}>"
    return said if line.held or line.is_due or line.ts else f"~{number}~  {brief}"
