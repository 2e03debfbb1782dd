"""One suite with hand-written expectations over the city in memory and the city on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Protocol

import pytest
from memory_city import MemoryCity

from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.citizens import Address, Contact, Focus
from machi_identity.domain.consent import Decision, Notice, Standing, Status
from machi_identity.domain.pods import Installation, PodRecord
from machi_identity.domain.release import Basis, ReleaseQuestion, Verdict
from machi_identity.ports import City
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Missing
from machi_sdk.work import Works

LINE = Address("line", "U1")
PURPOSE = "reports.news"


class Cities(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[City]: ...


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.integration)])
def cities(request: pytest.FixtureRequest) -> Cities:
    """Opens one transaction after another on the same city."""
    if request.param == "memory":
        city = MemoryCity()

        @asynccontextmanager
        async def in_memory() -> AsyncIterator[City]:
            yield city

        return in_memory
    works: Works[IdentityWork] = request.getfixturevalue("works")

    @asynccontextmanager
    async def on_postgres() -> AsyncIterator[City]:
        async with works.begin("fukuoka") as work:
            yield work

    return on_postgres


def installation(*versions: int, pod: str = "reports") -> Installation:
    words = {"ja": "お知らせ", "en": "News"}
    notices = tuple(Notice(f"{pod}.news", version, pod, words, words, words) for version in versions)
    return Installation(PodRecord(pod, f"hash-{versions}", "{}"), notices)


def decision(citizen: str, status: Status, event: str, version: int = 1) -> Decision:
    return Decision(event, citizen, PURPOSE, version, status, "line")


def question(citizen: str, channel: str = "line") -> ReleaseQuestion:
    return ReleaseQuestion(f"channel-{channel}", citizen, channel, Basis.CONSENT, PURPOSE, "delivery-1")


async def test_an_address_has_one_citizen(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        first = await city.citizens.find_or_make(LINE, "c1", clock.now())
    async with cities() as city:
        again = await city.citizens.find_or_make(LINE, "c2", clock.now())
        other = await city.citizens.find_or_make(Address("slack", "U1"), "c3", clock.now())
    assert (first.citizen_id, again.citizen_id, other.citizen_id) == ("c1", "c1", "c3")
    assert (first.language, first.language_chosen, first.ward_code) == ("ja", False, "")
    assert (first.focus, first.reachable) == (Focus("", "", 0), True)


async def test_a_look_makes_no_citizen_and_finds_the_one_there_is(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        assert await city.citizens.find(LINE) is None
        made = await city.citizens.find_or_make(LINE, "c1", clock.now())
        assert await city.citizens.find(LINE) == made
        await city.citizens.set_language("c1", "en", clock.now())
    async with cities() as city:
        found = await city.citizens.find(LINE)
        assert found is not None
        assert (found.language, found.language_chosen) == ("en", True)
        assert await city.citizens.find(Address("slack", "U1")) is None


async def test_the_focus_moves_from_the_version_seen_only(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        await city.citizens.find_or_make(LINE, "c1", clock.now())
        assert await city.citizens.move_focus("c1", 0, Focus("reports", "s1", 1))
        assert not await city.citizens.move_focus("c1", 0, Focus("reports", "s2", 1))
        assert await city.citizens.focus("c1") == Focus("reports", "s1", 1)
        assert await city.citizens.focus("nobody") is None
        assert await city.citizens.lock("c1") == "c1"
        with pytest.raises(Missing):
            await city.citizens.lock("nobody")


async def test_the_contact_is_the_reachable_channel_used_last(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        await city.citizens.find_or_make(LINE, "c1", clock.now())
        assert await city.citizens.contact("c1") == Contact("c1", "ja", "line", "")
        await city.citizens.set_language("c1", "en", clock.now())
        assert await city.citizens.set_reachable(LINE, clock.now(), reachable=False)
        assert await city.citizens.contact("c1") == Contact("c1", "en", "", "")
        assert not await city.citizens.set_reachable(Address("line", "U9"), clock.now(), reachable=True)
        assert await city.citizens.contact("nobody") is None
        assert not (await city.citizens.find_or_make(LINE, "c2", clock.now())).reachable


async def test_old_news_of_who_can_be_reached_changes_nothing(cities: Cities, clock: ManualClock) -> None:
    blocked, back = clock.now(), clock.now() + timedelta(minutes=1)
    async with cities() as city:
        await city.citizens.find_or_make(LINE, "c1", clock.now())
        assert await city.citizens.set_reachable(LINE, back, reachable=True)
        assert await city.citizens.set_reachable(LINE, blocked, reachable=False)
        assert (await city.citizens.find_or_make(LINE, "c2", clock.now())).reachable
        assert await city.citizens.set_reachable(LINE, back, reachable=False)
        assert not (await city.citizens.find_or_make(LINE, "c2", clock.now())).reachable


async def test_the_latest_decision_stands(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        await city.pods.install(installation(1), clock.now())
        await city.citizens.find_or_make(LINE, "c1", clock.now())
        assert await city.consents.standing("c1", PURPOSE) == Standing(Status.UNKNOWN)
        given = await city.consents.append(decision("c1", Status.GIVEN, "e1"), "r1", clock.now())
        assert await city.consents.standing("c1", PURPOSE) == Standing(Status.GIVEN, 1, clock.now())
        assert await city.consents.latest("c1") == {PURPOSE: Standing(Status.GIVEN, 1, clock.now())}
        withdrawn = await city.consents.append(decision("c1", Status.WITHDRAWN, "e2"), "r2", clock.now())
        assert await city.consents.latest("c1") == {PURPOSE: Standing(Status.WITHDRAWN, 1, clock.now())}
        assert await city.consents.latest("nobody") == {}
        assert (await city.consents.standing("c1", PURPOSE)) == Standing(Status.WITHDRAWN, 1, clock.now())
        assert (given.version, withdrawn.version) == (1, 2)
        assert await city.consents.entry_of("e1") == given
        assert await city.consents.entry_of("e9") is None
        assert await city.consents.standing("nobody", PURPOSE) is None


async def test_consent_counts_while_its_notice_is_installed(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        await city.pods.install(installation(1), clock.now())
        await city.citizens.find_or_make(LINE, "c1", clock.now())
        await city.consents.append(decision("c1", Status.GIVEN, "e1"), "r1", clock.now())
        await city.pods.install(installation(1, 2), clock.now())
        assert await city.consents.standing("c1", PURPOSE) == Standing(Status.GIVEN, 1, clock.now())
        await city.pods.install(installation(2), clock.now())
        assert await city.consents.standing("c1", PURPOSE) == Standing(Status.UNKNOWN, 1, clock.now())
        assert await city.consents.latest("c1") == {PURPOSE: Standing(Status.GIVEN, 1, clock.now())}


async def test_the_newest_notice_is_the_current_one(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        assert await city.notices.current(PURPOSE) is None
        assert await city.pods.install(installation(1, 3, 2), clock.now())
        assert not await city.pods.install(installation(1, 3, 2), clock.now())
        await city.pods.install(installation(1, pod="alerts"), clock.now())
        found = await city.notices.current(PURPOSE)
        assert found is not None
        assert found.version == 3
        assert [(one.purpose, one.version) for one in await city.notices.all_current()] == [
            ("alerts.news", 1),
            (PURPOSE, 3),
        ]
        assert [record.pod for record in await city.pods.all()] == ["alerts", "reports"]
        assert await city.pods.uninstall("reports", clock.now())
        assert not await city.pods.uninstall("reports", clock.now())
        assert await city.notices.current(PURPOSE) is None


async def test_the_facts_of_a_release(cities: Cities, clock: ManualClock) -> None:
    async with cities() as city:
        await city.pods.install(installation(1), clock.now())
        await city.citizens.find_or_make(LINE, "c1", clock.now())
        heard = clock.now()
        clock.advance(timedelta(minutes=5))
        await city.consents.append(decision("c1", Status.GIVEN, "e1"), "r1", clock.now())
        facts = await city.accesses.facts(question("c1"))
        assert facts is not None
        assert (facts.address, facts.reachable, facts.heard_at, facts.consent) == ("U1", True, heard, Status.GIVEN)
        elsewhere = await city.accesses.facts(question("c1", "slack"))
        assert elsewhere is not None
        assert (elsewhere.address, elsewhere.reachable, elsewhere.heard_at) == ("", False, None)
        assert await city.accesses.facts(question("nobody")) is None
        await city.accesses.log("a1", question("c1"), Verdict.RELEASED, clock.now())
