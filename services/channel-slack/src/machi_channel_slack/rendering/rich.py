"""Rich text: words that Slack never parses."""

from collections.abc import Iterable

from slack_sdk.models.blocks import (
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextQuoteElement,
    RichTextSectionElement,
)

from machi_channel_slack.rendering import limits

Part = RichTextElement


def said(text: str) -> Part:
    """Plain words."""
    return RichTextElementParts.Text(text=text)


def bold(text: str) -> Part:
    """Bold words."""
    return RichTextElementParts.Text(text=text, style=RichTextElementParts.TextStyle(bold=True))


def web(label: str, uri: str) -> Part:
    """A link."""
    return RichTextElementParts.Link(url=uri, text=label or uri)


def lines(parts: Iterable[Part]) -> RichTextBlock:
    """One block of running text."""
    return RichTextBlock(elements=[RichTextSectionElement(elements=list(parts))])


def quoted(label: str, words: str) -> list[RichTextBlock]:
    """What somebody wrote, exactly, below a label, over as many blocks as it needs; as much as a message holds."""
    found = limits.pieces(limits.cut(words, limits.WORDS))
    heads: list[RichTextElement] = [RichTextSectionElement(elements=[bold(label)])] if label else []
    return [
        RichTextBlock(elements=[*(heads if not at else []), RichTextQuoteElement(elements=[said(piece)])])
        for at, piece in enumerate(found)
    ]
