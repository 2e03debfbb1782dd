"""Whether an address may leave: the one rule every message to a person passes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from machi_identity.domain.citizens import Focus
from machi_identity.domain.consent import Status

ANSWER_WITHIN = timedelta(hours=72)


class Basis(StrEnum):
    """Why an address is asked for."""

    CONSENT = "consent"
    ANSWER = "answer"


class Verdict(StrEnum):
    """What became of the question."""

    RELEASED = "released"
    NO_CONSENT = "no-consent"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class ReleaseQuestion:
    """A channel adapter asks for one person's address on its channel, naming the delivery or the event answered."""

    caller: str
    citizen_id: str
    channel: str
    basis: Basis
    purpose: str
    reference_id: str


@dataclass(frozen=True)
class ReleaseFacts:
    """What is known at this moment of who the id stands for; `address` is empty when they have none on the channel."""

    citizen_id: str
    address: str
    reachable: bool
    heard_at: datetime | None
    consent: Status
    focus: Focus


@dataclass(frozen=True)
class Release:
    """The outcome; the address is present only when released."""

    verdict: Verdict
    address: str
    focus: Focus


def owns_channel(caller: str, channel: str) -> bool:
    """Only a channel's own adapter deals with its addresses."""
    return bool(channel) and caller == f"channel-{channel}"


def judge(basis: Basis, facts: ReleaseFacts, now: datetime) -> Verdict:
    """Consent first, then reachability; an answer needs a message of the person's own within 72 hours."""
    match basis:
        case Basis.CONSENT:
            allowed, reachable = facts.consent is Status.GIVEN, facts.reachable
        case Basis.ANSWER:
            # Whoever has just written is reachable, even where the platform's follow event was lost.
            allowed = facts.heard_at is not None and now - facts.heard_at <= ANSWER_WITHIN
            reachable = True
    if not allowed:
        return Verdict.NO_CONSENT
    return Verdict.RELEASED if facts.address and reachable else Verdict.UNREACHABLE
