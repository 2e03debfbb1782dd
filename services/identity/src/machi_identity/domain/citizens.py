"""People as the city knows them: a pseudonym, addresses on channels, the dialogue they are in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """Where a platform reaches a person."""

    channel: str
    address: str


@dataclass(frozen=True)
class Dialogue:
    """A dialogue of some pod; `pod` is empty for none."""

    pod: str = ""
    session_id: str = ""


@dataclass(frozen=True)
class Focus:
    """The dialogue a person is in; `pod` is empty when in none. The version grows with every change."""

    pod: str
    session_id: str
    version: int

    @staticmethod
    def on(dialogue: Dialogue, version: int) -> "Focus":
        """The focus on that dialogue."""
        return Focus(dialogue.pod, dialogue.session_id, version)


@dataclass(frozen=True)
class Citizen:
    """One person as seen through one address."""

    citizen_id: str
    language: str
    language_chosen: bool
    ward_code: str
    focus: Focus
    reachable: bool
    former_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contact:
    """How a person prefers to be met; `channel` is empty when none reaches them."""

    citizen_id: str
    language: str
    channel: str
    ward_code: str
