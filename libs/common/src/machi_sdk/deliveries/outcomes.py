"""What a platform made of a message."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Accepted:
    """The platform has it, from this attempt or from an earlier one."""


@dataclass(frozen=True)
class NotTaken:
    """Surely not accepted, but worth trying again: too many requests, or never connected.

    `whole_account`: nothing is accepted for anybody until somebody mends what the reason names.
    """

    reason: str
    whole_account: bool = field(default=False, kw_only=True, compare=False)  # one message's outcome is the same


@dataclass(frozen=True)
class Unclear:
    """Accepted or not, nobody knows: a timeout, a lost connection, an error of the platform's."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """The platform will never take this message."""

    reason: str


Outcome = Accepted | NotTaken | Unclear | Refused
