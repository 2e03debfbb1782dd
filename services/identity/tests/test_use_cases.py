"""What happens, over the city in memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from memory_city import MemoryCity

from machi_identity.domain.citizens import Address, Dialogue, Focus
from machi_identity.domain.consent import Decision, LedgerEntry, Status
from machi_identity.domain.release import Basis, Release, ReleaseQuestion, Verdict
from machi_identity.use_cases.decide_consent import decide_consent, decide_consents
from machi_identity.use_cases.install_pod import install_pod
from machi_identity.use_cases.release_address import release_address
from machi_identity.use_cases.resolve_citizen import resolve_citizen
from machi_identity.use_cases.set_focus import set_focus
from machi_identity.use_cases.set_reachable import set_reachable
from machi_identity.use_cases.uninstall_pod import uninstall_pod
from machi_identity.use_cases.withdraw_all import withdraw_all
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Conflict, Denied, Invalid, Missing

CLOCK = ManualClock(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))
PURPOSE = "reports.news"
MANIFEST = """
name: reports
version: 0.1.0
owner: roads
purposes:
  - {{purpose: reports.news, version: {version}, data: [x], title: {{ja: t}}, benefit: {{ja: b}}, text: {{ja: x}}}}
"""


@pytest.fixture
async def city() -> MemoryCity:
    city = MemoryCity()
    await install_pod(MANIFEST.format(version=1), city, CLOCK)
    return city


@pytest.fixture
async def citizen(city: MemoryCity) -> str:
    return (await resolve_citizen(Address("line", "U1"), city.citizens, CLOCK)).citizen_id


async def decide(city: MemoryCity, citizen: str, status: Status, event: str, version: int = 1) -> LedgerEntry:
    return await decide_consent(Decision(event, citizen, PURPOSE, version, status, "line"), city, CLOCK)


async def release(
    city: MemoryCity, citizen: str, caller: str = "channel-line", basis: Basis = Basis.CONSENT
) -> Release:
    question = ReleaseQuestion(caller, citizen, "line", basis, PURPOSE, "delivery-1")
    return await release_address(question, city, CLOCK)


async def test_a_pseudonym_says_nothing_about_the_address() -> None:
    ids = {(await resolve_citizen(Address("line", "U1"), MemoryCity().citizens, CLOCK)).citizen_id for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("address", [Address("", "U1"), Address("line", "")])
async def test_an_incomplete_address_is_refused(city: MemoryCity, address: Address) -> None:
    with pytest.raises(Invalid):
        await resolve_citizen(address, city.citizens, CLOCK)


async def test_a_retried_focus_gets_the_same_answer_and_another_one_a_conflict(city: MemoryCity, citizen: str) -> None:
    wanted = Dialogue("reports", "s1")
    assert await set_focus(citizen, wanted, 0, city) == Focus("reports", "s1", 1)
    assert await set_focus(citizen, wanted, 0, city) == Focus("reports", "s1", 1)
    with pytest.raises(Conflict):
        await set_focus(citizen, Dialogue("tourism", "s2"), 0, city)
    with pytest.raises(Missing):
        await set_focus("nobody", wanted, 0, city)


async def test_withdrawal_stops_the_very_next_release(city: MemoryCity, citizen: str) -> None:
    assert (await release(city, citizen)).verdict is Verdict.NO_CONSENT
    await decide(city, citizen, Status.GIVEN, "e1")
    assert await release(city, citizen) == Release(Verdict.RELEASED, "U1", Focus("", "", 0))
    assert [entry.decision.status for entry in await withdraw_all(citizen, "line", "e2", city, CLOCK)] == [
        Status.WITHDRAWN
    ]
    assert await release(city, citizen) == Release(Verdict.NO_CONSENT, "", Focus("", "", 0))
    assert await withdraw_all(citizen, "line", "e3", city, CLOCK) == []
    assert [line[2] for line in city.accesses.lines] == [Verdict.NO_CONSENT, Verdict.RELEASED, Verdict.NO_CONSENT]


async def test_who_wants_quiet_refuses_what_they_were_never_asked(city: MemoryCity, citizen: str) -> None:
    ended = [await withdraw_all(citizen, "line", event, city, CLOCK) for event in ("e1", "e2")]
    assert [[entry.decision.status for entry in entries] for entries in ended] == [[Status.REFUSED], []]
    assert [found.status for found in (await city.consents.latest(citizen)).values()] == [Status.REFUSED]


async def test_a_new_notice_must_be_agreed_to_anew(city: MemoryCity, citizen: str) -> None:
    await decide(city, citizen, Status.GIVEN, "e1")
    await install_pod(MANIFEST.format(version=2), city, CLOCK)
    assert (await release(city, citizen)).verdict is Verdict.NO_CONSENT
    with pytest.raises(Conflict):
        await decide(city, citizen, Status.GIVEN, "e2", version=1)
    await decide(city, citizen, Status.GIVEN, "e3", version=2)
    assert (await release(city, citizen)).verdict is Verdict.RELEASED


async def test_only_the_channels_own_adapter_may_ask(city: MemoryCity, citizen: str) -> None:
    await decide(city, citizen, Status.GIVEN, "e1")
    for caller in ("channel-slack", "reports", "notifications", "operator"):
        with pytest.raises(Denied):
            await release(city, citizen, caller)


async def test_an_answer_is_released_without_consent(city: MemoryCity, citizen: str) -> None:
    await decide(city, citizen, Status.REFUSED, "e1")
    assert (await release(city, citizen, basis=Basis.ANSWER)).address == "U1"


async def test_the_same_act_twice_is_one_entry(city: MemoryCity, citizen: str) -> None:
    first = await decide(city, citizen, Status.GIVEN, "e1")
    await decide(city, citizen, Status.WITHDRAWN, "e2")
    assert await decide(city, citizen, Status.GIVEN, "e1") == first
    standing = await city.consents.standing(citizen, PURPOSE)
    assert standing is not None
    assert standing.status is Status.WITHDRAWN
    with pytest.raises(Conflict):
        await decide(city, citizen, Status.REFUSED, "e1")
    assert len(city.consents.ledger) == 2


async def test_decisions_that_cannot_be_are_refused(city: MemoryCity, citizen: str) -> None:
    with pytest.raises(Missing, match="purpose"):
        await decide_consent(Decision("e", citizen, "reports.nothing", 1, Status.GIVEN, "line"), city, CLOCK)
    with pytest.raises(Missing):
        await decide(city, "nobody", Status.GIVEN, "e")
    with pytest.raises(Invalid):
        await decide(city, citizen, Status.UNKNOWN, "e")
    with pytest.raises(Invalid):
        await decide(city, citizen, Status.GIVEN, "")
    assert city.consents.ledger == []


async def test_of_several_decisions_all_stand_or_none(city: MemoryCity, citizen: str) -> None:
    stale = Decision("e2", citizen, "parks.news", 1, Status.GIVEN, "line")
    current = Decision("e1", citizen, PURPOSE, 1, Status.GIVEN, "line")
    parks = MANIFEST.replace("reports", "parks").format(version=2)
    await install_pod(parks, city, CLOCK)
    with pytest.raises(Conflict):
        await decide_consents([current, stale], city, CLOCK)
    assert city.consents.ledger == []
    entries = await decide_consents([current, replace(stale, notice_version=2)], city, CLOCK)
    assert [entry.decision.purpose for entry in entries] == [PURPOSE, "parks.news"]
    assert await decide_consents([current], city, CLOCK) == entries[:1]


async def test_a_withdrawal_counts_though_the_purposes_pod_is_gone(city: MemoryCity, citizen: str) -> None:
    await decide(city, citizen, Status.GIVEN, "e1")
    await uninstall_pod("reports", city, CLOCK)
    assert (await decide(city, citizen, Status.WITHDRAWN, "e2")).decision.status is Status.WITHDRAWN
    await install_pod(MANIFEST.format(version=1), city, CLOCK)
    assert (await release(city, citizen)).verdict is Verdict.NO_CONSENT
    await uninstall_pod("reports", city, CLOCK)
    for status in (Status.GIVEN, Status.REFUSED):
        with pytest.raises(Missing):
            await decide(city, citizen, status, f"e-{status}", version=0)


async def test_a_follow_makes_a_citizen_and_a_strangers_block_does_not() -> None:
    city = MemoryCity()
    earlier, now = CLOCK.now() - timedelta(minutes=1), CLOCK.now()
    await set_reachable(Address("line", "U1"), city, now, reachable=False)
    assert city.citizens.people == {}
    await set_reachable(Address("line", "U1"), city, now, reachable=True)
    assert len(city.citizens.people) == 1
    await set_reachable(Address("line", "U1"), city, earlier, reachable=False)
    assert city.citizens.links[Address("line", "U1")].reachable


@pytest.mark.parametrize(
    ("manifest", "place"),
    [
        ("name: reports", "version"),
        ("name: Reports Pod\nversion: '1'\nowner: x", "name"),
        ("name: reports\nversion: '1'\nowner: x\nmagic: 1", "magic"),
        ("name: operator\nversion: '1'\nowner: x", "name"),
        ("- not a mapping", "the file"),
        (MANIFEST.format(version=0), "purposes.0.version"),
        (MANIFEST.format(version=1).replace("reports.news", "identity.news"), "purposes.0.purpose"),
    ],
)
async def test_a_wrong_manifest_is_refused_naming_the_place(city: MemoryCity, manifest: str, place: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await install_pod(manifest, city, CLOCK)
    assert refusal.value.message.startswith(place)
