"""What the use cases ask of the world; one city, one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from machi_identity.domain.citizens import Address, Citizen, Contact, Focus
from machi_identity.domain.consent import Decision, LedgerEntry, Notice, Standing
from machi_identity.domain.linking import Misses, Offer
from machi_identity.domain.merging import Person
from machi_identity.domain.pods import Installation, PodRecord
from machi_identity.domain.release import ReleaseFacts, ReleaseQuestion, Verdict


class FindsCitizens(Protocol):
    """Who writes."""

    async def find_or_make(self, address: Address, fresh_id: str, at: datetime) -> Citizen:
        """The one citizen behind the address, made with `fresh_id` at first contact; notes that we heard from them."""
        ...


class Citizens(FindsCitizens, Protocol):
    """People and their addresses."""

    async def find(self, address: Address) -> Citizen | None:
        """The citizen behind the address; None when we never heard from there."""
        ...

    async def lock(self, citizen_id: str) -> str:
        """Hold the citizen until the transaction ends; the id they go by now. Missing when there is none."""
        ...

    async def focus(self, citizen_id: str) -> Focus | None:
        """The present focus; None when there is no such citizen."""
        ...

    async def move_focus(self, citizen_id: str, expected_version: int, to: Focus) -> bool:
        """Set the focus if it still has that version."""
        ...

    async def set_reachable(self, address: Address, at: datetime, *, reachable: bool) -> bool:
        """Remember whether the platform reaches the address, unless later news is known; False when nobody has it.

        When that changed, the fact leaves with the commit.
        """
        ...

    async def set_language(self, citizen_id: str, language: str, at: datetime) -> None:
        """Remember the language the person chose, and when. Hold the citizen first."""
        ...

    async def contact(self, citizen_id: str) -> Contact | None:
        """Language, last reachable channel, ward; None when there is no such citizen."""
        ...


class Consents(Protocol):
    """The ledger of decisions and what stands now."""

    async def append(self, decision: Decision, receipt_id: str, at: datetime) -> LedgerEntry:
        """Write the decision and make it stand; the fact leaves with the commit. Hold the citizen first."""
        ...

    async def entry_of(self, event_id: str) -> LedgerEntry | None:
        """The entry an act made, if it made one, under the id its citizen goes by now."""
        ...

    async def standing(self, citizen_id: str, purpose: str) -> Standing | None:
        """What stands now; None when there is no such citizen."""
        ...

    async def latest(self, citizen_id: str) -> dict[str, Standing]:
        """The latest decision by purpose, in the purposes' order, whatever is installed."""
        ...


class StandingsNow(Protocol):
    """What stands now, asked of the primary, for whoever asks from outside."""

    async def of_many(self, tenant: str, citizen_ids: Sequence[str], purpose: str) -> list[Standing | None]:
        """What stands for each of at most 500, in the order asked, None where there is no such citizen."""
        ...

    async def of_one(self, tenant: str, citizen_id: str, purpose: str) -> Standing | None:
        """What stands for one citizen, None when there is none; never older than the question."""
        ...


class Notices(Protocol):
    """The notices of the installed pods."""

    async def current(self, purpose: str) -> Notice | None:
        """The newest installed version; None when no installed pod declares the purpose."""
        ...

    async def all_current(self) -> list[Notice]:
        """The newest version of every purpose, by name."""
        ...


class LinkCodes(Protocol):
    """One-time codes for linking, by their hashes."""

    async def put(self, code_hash: str, offer: Offer, now: datetime) -> None:
        """Make it the person's one open code; codes and misses older than a day are forgotten."""
        ...

    async def find(self, code_hash: str) -> Offer | None:
        """The code, with the id its person goes by now; None when there is none."""
        ...

    async def use(self, code_hash: str, at: datetime) -> None:
        """It has been used."""
        ...

    async def misses(self, citizen_id: str) -> Misses:
        """The person's wrong codes so far."""
        ...

    async def note(self, citizen_id: str, misses: Misses) -> None:
        """Remember the person's wrong codes."""
        ...


class Merges(Protocol):
    """Two citizens become one, or one channel becomes a citizen of its own."""

    async def people(self, citizen_ids: Sequence[str]) -> list[Person]:
        """Who the ids stand for, each person once; no other merge runs until the transaction ends."""
        ...

    async def channels(self, citizen_id: str) -> frozenset[str]:
        """The channels the person is linked to."""
        ...

    async def move(self, from_id: str, into_id: str) -> None:
        """Let links and dialogues of one belong to the other, and the id be an alias."""
        ...

    async def hold(self, citizen_id: str) -> Person:
        """The person as they are now, held until the transaction ends."""
        ...

    async def settle(self, person: Person, gone_id: str, at: datetime) -> None:
        """The two are this person now; the fact leaves with the commit."""
        ...

    async def part(self, person: Person, leaves: str, channel: str) -> None:
        """Make this person, and let that channel of the one they leave be theirs, with the dialogue they are in."""
        ...


class Accesses(Protocol):
    """Who asked for whose address, and what became of it."""

    async def facts(self, question: ReleaseQuestion) -> ReleaseFacts | None:
        """What the verdict depends on, read now; None when there is no such citizen."""
        ...

    async def log(self, access_id: str, question: ReleaseQuestion, verdict: Verdict, at: datetime) -> None:
        """Append one line."""
        ...


class Pods(Protocol):
    """The registry of installed pods, one for the whole release."""

    async def install(self, installation: Installation, at: datetime) -> bool:
        """Make the manifest the installed one and publish it; False when it was so already."""
        ...

    async def uninstall(self, pod: str, at: datetime) -> bool:
        """Remove the pod and its notices and publish it; False when it was not installed."""
        ...

    async def all(self) -> list[PodRecord]:
        """Installed pods by name."""
        ...


class City(Protocol):
    """Everything identity keeps for one municipality, within one transaction."""

    @property
    def citizens(self) -> Citizens:
        """People and their addresses."""
        ...

    @property
    def consents(self) -> Consents:
        """The ledger of decisions."""
        ...

    @property
    def notices(self) -> Notices:
        """The notices of the installed pods."""
        ...

    @property
    def accesses(self) -> Accesses:
        """The access log."""
        ...

    @property
    def pods(self) -> Pods:
        """The registry of installed pods."""
        ...


class LinkingCity(City, Protocol):
    """What linking asks for beside."""

    @property
    def codes(self) -> LinkCodes:
        """One-time codes."""
        ...

    @property
    def merges(self) -> Merges:
        """Who becomes whom."""
        ...
