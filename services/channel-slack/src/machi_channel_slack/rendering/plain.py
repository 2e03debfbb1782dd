"""Words without markup, and what else every view writes alike."""

from typing import Protocol
from urllib.parse import urlsplit

from slack_sdk.models.blocks import PlainTextObject

from machi_channel_slack.rendering import limits


class Say(Protocol):
    """The adapter's own texts in one language."""

    def __call__(self, key: str, /, **places: str | int) -> str:
        """A text."""
        ...


def plain(text: str, most: int = limits.SECTION) -> PlainTextObject:
    """Words that Slack never parses, as many as fit; Slack takes none that are empty."""
    return PlainTextObject(text=limits.cut(text.strip() or "…", most), emoji=False)


def ago(seconds: int, words: str) -> str:
    """How long ago a moment was, as markup that Slack keeps true while people look; `words` are for who cannot."""
    return f"<!date^{seconds}^{{ago}}|{limits.escaped(words or '…')}>"


def is_web(uri: str) -> bool:
    """Whether Slack takes it as a link."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and " " not in uri
