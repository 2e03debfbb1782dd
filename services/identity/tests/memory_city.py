"""The same city in memory, for tests of use cases; it passes the suite that PostgreSQL passes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from machi_identity.domain.citizens import Address, Citizen, Contact, Focus
from machi_identity.domain.consent import Decision, LedgerEntry, Notice, Standing, Status, in_force
from machi_identity.domain.pods import Installation, PodRecord
from machi_identity.domain.release import ReleaseFacts, ReleaseQuestion, Verdict
from machi_sdk.errors import Missing

_STRANGER_LANGUAGE = "ja"


@dataclass
class _Link:
    citizen_id: str
    reachable: bool
    heard_at: datetime
    reachable_at: datetime | None = None


@dataclass
class MemoryCitizens:
    """`ports.Citizens` in dictionaries."""

    people: dict[str, Citizen] = field(default_factory=dict)
    links: dict[Address, _Link] = field(default_factory=dict)

    async def find_or_make(self, address: Address, fresh_id: str, at: datetime) -> Citizen:
        """See the port."""
        link = self.links.setdefault(address, _Link(fresh_id, reachable=True, heard_at=at))
        link.heard_at = max(link.heard_at, at)
        stranger = Citizen(
            link.citizen_id,
            _STRANGER_LANGUAGE,
            language_chosen=False,
            ward_code="",
            focus=Focus("", "", 0),
            reachable=True,
        )
        return replace(self.people.setdefault(link.citizen_id, stranger), reachable=link.reachable)

    async def find(self, address: Address) -> Citizen | None:
        """See the port."""
        link = self.links.get(address)
        return replace(self.people[link.citizen_id], reachable=link.reachable) if link else None

    async def lock(self, citizen_id: str) -> str:
        """See the port."""
        if citizen_id not in self.people:
            raise Missing("citizen-unknown")
        return citizen_id

    async def focus(self, citizen_id: str) -> Focus | None:
        """See the port."""
        citizen = self.people.get(citizen_id)
        return citizen.focus if citizen else None

    async def move_focus(self, citizen_id: str, expected_version: int, to: Focus) -> bool:
        """See the port."""
        citizen = self.people.get(citizen_id)
        if citizen is None or citizen.focus.version != expected_version:
            return False
        self.people[citizen_id] = replace(citizen, focus=to)
        return True

    async def set_reachable(self, address: Address, at: datetime, *, reachable: bool) -> bool:
        """See the port."""
        link = self.links.get(address)
        if link is not None and (link.reachable_at is None or at >= link.reachable_at):
            link.reachable, link.reachable_at = reachable, at
        return link is not None

    async def set_language(self, citizen_id: str, language: str, at: datetime) -> None:
        """See the port."""
        self.people[citizen_id] = replace(self.people[citizen_id], language=language, language_chosen=True)

    async def contact(self, citizen_id: str) -> Contact | None:
        """See the port."""
        citizen = self.people.get(citizen_id)
        links = [
            (link.heard_at, at.channel)
            for at, link in self.links.items()
            if link.citizen_id == citizen_id and link.reachable
        ]
        if citizen is None:
            return None
        return Contact(citizen_id, citizen.language, max(links)[1] if links else "", citizen.ward_code)

    def link_of(self, citizen_id: str, channel: str) -> tuple[str, _Link] | None:
        """The address and link of a citizen on a channel."""
        mine = [
            (at, link) for at, link in self.links.items() if link.citizen_id == citizen_id and at.channel == channel
        ]
        return (mine[0][0].address, mine[0][1]) if mine else None


@dataclass
class MemoryPods:
    """`ports.Pods` in dictionaries."""

    installed: dict[str, Installation] = field(default_factory=dict)

    async def install(self, installation: Installation, at: datetime) -> bool:
        """See the port."""
        changed = self.installed.get(installation.record.pod) != installation
        self.installed[installation.record.pod] = installation
        return changed

    async def uninstall(self, pod: str, at: datetime) -> bool:
        """See the port."""
        return self.installed.pop(pod, None) is not None

    async def all(self) -> list[PodRecord]:
        """See the port."""
        return [self.installed[pod].record for pod in sorted(self.installed)]


@dataclass
class MemoryNotices:
    """`ports.Notices` over the installed pods."""

    pods: MemoryPods

    def versions(self) -> Mapping[tuple[str, int], Notice]:
        """Every installed notice."""
        notices = [notice for one in self.pods.installed.values() for notice in one.notices]
        return {(notice.purpose, notice.version): notice for notice in notices}

    async def current(self, purpose: str) -> Notice | None:
        """See the port."""
        return next((notice for notice in await self.all_current() if notice.purpose == purpose), None)

    async def all_current(self) -> list[Notice]:
        """See the port."""
        newest = {purpose: notice for (purpose, _), notice in sorted(self.versions().items())}
        return list(newest.values())


@dataclass
class MemoryConsents:
    """`ports.Consents` in a list."""

    citizens: MemoryCitizens
    notices: MemoryNotices
    ledger: list[LedgerEntry] = field(default_factory=list)

    async def append(self, decision: Decision, receipt_id: str, at: datetime) -> LedgerEntry:
        """See the port."""
        last = self._last(decision.citizen_id, decision.purpose)
        self.ledger.append(LedgerEntry(receipt_id, decision, at, last.version + 1 if last else 1))
        return self.ledger[-1]

    async def entry_of(self, event_id: str) -> LedgerEntry | None:
        """See the port."""
        return next((entry for entry in self.ledger if entry.decision.event_id == event_id), None)

    async def standing(self, citizen_id: str, purpose: str) -> Standing | None:
        """See the port."""
        return self.standing_now(citizen_id, purpose) if citizen_id in self.citizens.people else None

    async def latest(self, citizen_id: str) -> dict[str, Standing]:
        """See the port."""
        found: dict[str, Standing] = {}
        for entry in self.ledger:
            said = entry.decision
            if said.citizen_id == citizen_id:
                found[said.purpose] = Standing(said.status, said.notice_version, entry.decided_at)
        return dict(sorted(found.items()))

    def standing_now(self, citizen_id: str, purpose: str) -> Standing:
        """What stands now, UNKNOWN where nothing does."""
        last = self._last(citizen_id, purpose)
        if last is None:
            return Standing(Status.UNKNOWN)
        version = last.decision.notice_version
        status = in_force(last.decision.status, notice_installed=(purpose, version) in self.notices.versions())
        return Standing(status, version, last.decided_at)

    def _last(self, citizen_id: str, purpose: str) -> LedgerEntry | None:
        about = [e for e in self.ledger if (e.decision.citizen_id, e.decision.purpose) == (citizen_id, purpose)]
        return about[-1] if about else None


@dataclass
class MemoryAccesses:
    """`ports.Accesses` in a list."""

    citizens: MemoryCitizens
    consents: MemoryConsents
    lines: list[tuple[str, ReleaseQuestion, Verdict, datetime]] = field(default_factory=list)

    async def facts(self, question: ReleaseQuestion) -> ReleaseFacts | None:
        """See the port."""
        citizen = self.citizens.people.get(question.citizen_id)
        if citizen is None:
            return None
        consent = self.consents.standing_now(question.citizen_id, question.purpose).status
        found = self.citizens.link_of(question.citizen_id, question.channel)
        if found is None:
            return ReleaseFacts(
                question.citizen_id, "", reachable=False, heard_at=None, consent=consent, focus=citizen.focus
            )
        where = (found[0], found[1].reachable, found[1].heard_at)
        return ReleaseFacts(question.citizen_id, *where, consent, citizen.focus)

    async def log(self, access_id: str, question: ReleaseQuestion, verdict: Verdict, at: datetime) -> None:
        """See the port."""
        self.lines.append((access_id, question, verdict, at))


class MemoryCity:
    """`ports.City` without a database."""

    def __init__(self) -> None:
        self.citizens = MemoryCitizens()
        self.pods = MemoryPods()
        self.notices = MemoryNotices(self.pods)
        self.consents = MemoryConsents(self.citizens, self.notices)
        self.accesses = MemoryAccesses(self.citizens, self.consents)
