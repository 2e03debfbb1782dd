"""The municipality, its desks, and the people who work them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

ROLES = frozenset({"officer", "lead", "approver", "operator", "auditor"})
_DESK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


@dataclass(frozen=True)
class Tenant:
    """A municipality: names per language, what it speaks first, where its clock is, which languages it offers."""

    names: Mapping[str, str]
    default_language: str
    time_zone: str
    languages: tuple[str, ...] = ()

    def offered(self, known: Collection[str]) -> tuple[str, ...]:
        """The languages it offers, in its order: those it named, else every known one."""
        return self.languages or tuple(known)


@dataclass(frozen=True)
class Desk:
    """A section of city hall that receives work; `name` is also its Slack channel's."""

    desk_id: str
    name: str
    titles: Mapping[str, str]
    phone: str
    language: str


@dataclass(frozen=True)
class Staff:
    """A member of staff; `slack_address` is "<team>/<user>" or empty."""

    staff_id: str
    display_name: str
    roles: tuple[str, ...]
    desk_ids: tuple[str, ...]
    slack_address: str


def tenant_fault(tenant: Tenant, known: Collection[str]) -> str:
    """The first thing wrong, or an empty text; `known` are the languages of this release."""
    if not tenant.names:
        return "names: at least one is needed"
    if not tenant.default_language:
        return "default_language: is needed"
    if strange := [tag for tag in tenant.languages if tag not in known]:
        return f"languages: {strange[0]} is none of {', '.join(known)}"
    if len(set(tenant.languages)) < len(tenant.languages):
        return "languages: one is there twice"
    if tenant.default_language not in tenant.offered(known):
        return "default_language: is not among the languages"
    return "" if tenant.time_zone in available_timezones() else "time_zone: not an IANA name"


def desk_fault(desk: Desk, known: Collection[str]) -> str:
    """The first thing wrong, or an empty text; `known` are the languages of this release."""
    if not desk.desk_id:
        return "desk_id: is needed"
    if not _DESK_NAME.fullmatch(desk.name):
        return "name: lower case letters, digits, and hyphens, at most 80"
    if desk.language and desk.language not in known:
        return f"language: {desk.language} is none of {', '.join(known)}"
    return "" if desk.titles else "titles: at least one is needed"


def staff_fault(staff: Staff, desks: frozenset[str]) -> str:
    """The first thing wrong, or an empty text; `desks` are the ids that exist."""
    if not staff.staff_id or not staff.display_name:
        return "staff_id and display_name: are needed"
    if strange := sorted(set(staff.roles) - ROLES):
        return f"roles: {strange[0]} is none of {', '.join(sorted(ROLES))}"
    if missing := sorted(set(staff.desk_ids) - desks):
        return f"desk_ids: there is no desk {missing[0]}"
    if staff.slack_address and staff.slack_address.count("/") != 1:
        return "slack_address: write it as <team>/<user>"
    return ""
