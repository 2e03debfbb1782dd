"""What becomes of two citizens who turn out to be one person."""

from dataclasses import dataclass, replace
from datetime import datetime

from machi_identity.domain.citizens import Dialogue, Focus
from machi_identity.domain.consent import Standing, Status

_NO = (Status.REFUSED, Status.WITHDRAWN)


@dataclass(frozen=True)
class Person:
    """One of the two; `language_at` tells when the language was chosen, None for never or long ago."""

    citizen_id: str
    created_at: datetime
    language: str | None
    language_at: datetime | None
    ward_code: str | None
    focus: Focus


def by_age(one: Person, other: Person) -> tuple[Person, Person]:
    """The older one, who stays, and the other."""
    first, second = sorted((one, other), key=lambda person: (person.created_at, person.citizen_id))
    return first, second


def merged(kept: Person, gone: Person, dialogue: Dialogue) -> Person:
    """The one person: the language chosen last, the ward that is known, the dialogue that goes on.

    The focus gets a version that neither had, so that whoever saw an older one decides again.
    """
    version = max(kept.focus.version, gone.focus.version) + 1
    speaker = gone if _chose_later(gone, kept) else kept
    return replace(
        kept,
        language=speaker.language,
        language_at=speaker.language_at,
        ward_code=kept.ward_code or gone.ward_code,
        focus=Focus.on(dialogue, version),
    )


def _chose_later(one: Person, other: Person) -> bool:
    if one.language is None or other.language is None:
        return other.language is None
    return one.language_at is not None and (other.language_at is None or one.language_at > other.language_at)


def carried(kept: Standing | None, gone: Standing | None) -> Standing | None:
    """The ledger entry to append for the one who stays; None if their standing does not change.

    The latest decision counts, but a refusal or withdrawal of either wins until the person is asked again.
    """
    both = [each for each in (kept, gone) if each is not None]
    counts = max([each for each in both if each.status in _NO] or both, key=_decided_at, default=None)
    if counts is None or (kept and (counts.status, counts.notice_version) == (kept.status, kept.notice_version)):
        return None
    return counts


def silenced(kept: Standing | None, gone: Standing | None) -> bool:
    """Whether one of the two had said yes and a no of the other one counts now."""
    said = {each.status for each in (kept, gone) if each is not None}
    return Status.GIVEN in said and not said.isdisjoint(_NO)


def _decided_at(standing: Standing) -> datetime:
    assert standing.decided_at is not None
    return standing.decided_at
