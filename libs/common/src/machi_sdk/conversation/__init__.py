"""For channel adapters: which pod an event of a person goes to, the turn with it, and the person's focus after it."""

from machi_sdk.conversation.deciding import Step, decide, open_by_role
from machi_sdk.conversation.openings import InstalledOpenings, Opening
from machi_sdk.conversation.people import People
from machi_sdk.conversation.talkers import Talkers
from machi_sdk.conversation.turns import Answered, Content, DownloadFailed, NoPhoto, Turns, Writer

__all__ = [
    "Answered",
    "Content",
    "DownloadFailed",
    "InstalledOpenings",
    "NoPhoto",
    "Opening",
    "People",
    "Step",
    "Talkers",
    "Turns",
    "Writer",
    "decide",
    "open_by_role",
]
