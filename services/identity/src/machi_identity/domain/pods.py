"""Installed pods as the registry keeps them."""

from dataclasses import dataclass

from machi_identity.domain.consent import Notice, belongs_to


@dataclass(frozen=True)
class PodRecord:
    """One installed manifest, as canonical JSON with its hash."""

    pod: str
    manifest_hash: str
    manifest_json: str


@dataclass(frozen=True)
class Installation:
    """What installing a manifest brings: its record, and the notices it declares."""

    record: PodRecord
    notices: tuple[Notice, ...]


def notice_fault(notices: tuple[Notice, ...]) -> str:
    """The first wrong place among a manifest's purposes, or an empty text."""
    seen: set[tuple[str, int]] = set()
    for index, notice in enumerate(notices):
        if not belongs_to(notice.purpose, notice.pod):
            return f'purposes.{index}.purpose: must start with "{notice.pod}."'
        if (notice.purpose, notice.version) in seen:
            return f"purposes.{index}.version: this purpose has that version already"
        seen.add((notice.purpose, notice.version))
        for part in ("title", "benefit", "text"):
            if not getattr(notice, part):
                return f"purposes.{index}.{part}: at least one language is needed"
    return ""
