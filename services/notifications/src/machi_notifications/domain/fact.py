"""What happened to a report, as far as the person who filed it is concerned."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Fact:
    """One fact of a report; `cause` is its name, `update_id` names the officer's words where there are any."""

    cause: str
    report_id: str
    case_number: str
    citizen_id: str
    version: int
    occurred_at: datetime
    update_id: str = ""
    session_id: str = ""


@dataclass(frozen=True)
class Contact:
    """How a person likes to be told, and the id they go by now; an empty channel = nowhere."""

    citizen_id: str
    language: str
    channel: str


@dataclass(frozen=True)
class News:
    """A fact together with what other pods know about it."""

    fact: Fact
    contact: Contact
    words: str
