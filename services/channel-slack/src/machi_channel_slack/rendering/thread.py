"""The case's conversation: one message per entry in the card's thread."""

from machi.dialogue.v1.desk_card_pb2 import ThreadEntry
from machi_channel_slack.domain.cards import Mark, SlackMessage
from machi_channel_slack.rendering import limits, rich

ENTRY_MARK = "machi_entry"


def entry_message(entry: ThreadEntry) -> SlackMessage:
    """Who and what, exactly as written."""
    words = entry.text or "…"
    blocks = rich.quoted(entry.author_label, words)
    said = f"{entry.author_label}: {words}" if entry.author_label else words
    text = limits.notice(said)
    mark = Mark(ENTRY_MARK, {"entry_id": entry.entry_id}, text)
    return SlackMessage(text, tuple(block.to_dict() for block in blocks), mark)
