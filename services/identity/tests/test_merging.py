"""What a merge does to what is known, and what happens at the same moment, over real gRPC and PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import grpc
import pytest
from linking_city import HERE, PURPOSE, AtChannel, code_in, decide, link, rows

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.consent.v1 import consent_service_pb2 as consent
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceStub
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.citizens import Address, Dialogue
from machi_identity.domain.consent import Decision, Status
from machi_identity.domain.linking import Refusal, Speaker
from machi_identity.use_cases.choose_language import choose_language
from machi_identity.use_cases.decide_consent import decide_consent
from machi_identity.use_cases.link_channels import Linked, link_channels
from machi_identity.use_cases.merge_citizens import Act, merge_citizens
from machi_identity.use_cases.offer_link import offer_link
from machi_identity.use_cases.set_focus import set_focus
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.ids import new_id
from machi_sdk.testing import PodDatabase
from machi_sdk.work import Works

pytestmark = pytest.mark.integration
ChannelOf = Callable[[str], grpc.aio.Channel]
IdentityWorks = Works[IdentityWork]


@pytest.fixture
async def ids(line: AtChannel, slack: AtChannel, clock: ManualClock) -> tuple[str, str]:
    """The id that stays and the one that became an alias: the two channels are linked."""
    kept = (await line.who()).citizen_id
    clock.advance(timedelta(days=1))
    old = (await slack.who()).citizen_id
    await link(line, slack)
    clock.advance(timedelta(minutes=1))
    await slack.who()
    return kept, old


@pytest.mark.parametrize("status", ["GIVEN", "REFUSED", "WITHDRAWN"])
async def test_decisions_under_the_old_id_are_the_persons(
    ids: tuple[str, str], channel_of: ChannelOf, status: str
) -> None:
    kept, old = ids
    consents = ConsentServiceStub(channel_of("reports"))
    code = consent.ConsentStatus.Value(f"CONSENT_STATUS_{status}")
    decision = consent.DecideRequest(
        event_id=new_id(), citizen_id=old, purpose=PURPOSE, notice_version=1, status=code, channel="slack"
    )
    first = await consents.Decide(decision, **HERE)
    assert (await consents.Decide(decision, **HERE)).receipt_id == first.receipt_id
    for one in ids:
        assert (await consents.Check(consent.CheckRequest(citizen_id=one, purpose=PURPOSE), **HERE)).status == code
    many = consent.CheckManyRequest(citizen_ids=[old, "nobody", kept], purpose=PURPOSE)
    statuses = (await consents.CheckMany(many, **HERE)).statuses
    assert list(statuses) == [code, consent.CONSENT_STATUS_UNKNOWN, code]


async def test_a_decision_made_before_the_merge_is_the_same_act_after_it(
    line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock
) -> None:
    await line.who()
    clock.advance(timedelta(days=1))
    act_before = Decision(new_id(), (await slack.who()).citizen_id, PURPOSE, 1, Status.GIVEN, "slack")

    async def again() -> str:
        async with works.begin("fukuoka") as work:
            return (await decide_consent(act_before, work, clock)).receipt_id

    receipt = await again()
    await link(line, slack)
    assert await again() == receipt


async def test_addresses_are_released_under_the_old_id_and_logged_under_the_new_one(
    ids: tuple[str, str], line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock
) -> None:
    kept, old = ids
    await decide(works, clock, old, Status.GIVEN)
    for place, address in ((line, "U1"), (slack, "T1/U1")):
        question = identity.ReleaseAddressRequest(
            citizen_id=old,
            channel=place.channel,
            basis=identity.RELEASE_BASIS_CONSENT,
            purpose=PURPOSE,
            reference_id="d",
        )
        assert (await place.people.ReleaseAddress(question, **HERE)).address == address
    async with works.begin("fukuoka") as work:
        lines = await work.db.fetch("SELECT DISTINCT citizen_id FROM accesses")
    assert [row["citizen_id"] for row in lines] == [kept]


async def test_the_old_id_is_good_everywhere_else(
    ids: tuple[str, str], line: AtChannel, channel_of: ChannelOf, works: IdentityWorks, clock: ManualClock
) -> None:
    kept, old = ids
    people = IdentityServiceStub(channel_of("reports"))
    contact = await people.GetContact(identity.GetContactRequest(citizen_id=old), **HERE)
    assert (contact.citizen_id, contact.channel) == (kept, "slack")
    version = (await line.who()).focus.version
    request = identity.SetFocusRequest(citizen_id=old, expected_version=version, pod="reports", session_id="s")
    await line.people.SetFocus(request, **HERE)
    async with works.begin("fukuoka") as work:
        await choose_language(old, "en", work, clock)
    person = await line.who()
    assert (person.focus.session_id, person.language) == ("s", "en")


async def test_a_no_on_either_side_wins_until_the_person_is_asked_again(
    line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    kept = (await line.who()).citizen_id
    clock.advance(timedelta(days=1))
    gone = (await slack.who()).citizen_id
    await decide(works, clock, gone, Status.GIVEN)
    await decide(works, clock, gone, Status.WITHDRAWN)
    await decide(works, clock, kept, Status.GIVEN)
    before = await rows(database, "SELECT * FROM consent_ledger ORDER BY receipt_id")
    await link(line, slack)
    question = identity.ReleaseAddressRequest(
        citizen_id=kept, channel="line", basis=identity.RELEASE_BASIS_CONSENT, purpose=PURPOSE, reference_id="d"
    )
    assert (await line.people.ReleaseAddress(question, **HERE)).verdict == identity.RELEASE_VERDICT_NO_CONSENT
    after = await rows(database, "SELECT * FROM consent_ledger ORDER BY receipt_id")
    assert [line for line in after if line in before] == before, "the ledger only grows"
    new = [(row["citizen_id"], row["status"], row["version"]) for row in after if row not in before]
    assert new == [(kept, "withdrawn", 2)]
    await decide(works, clock, gone, Status.GIVEN)
    assert (await line.people.ReleaseAddress(question, **HERE)).verdict == identity.RELEASE_VERDICT_RELEASED


async def test_a_merge_is_said_once_with_the_ids_alone(
    line: AtChannel, slack: AtChannel, clock: ManualClock, database: PodDatabase
) -> None:
    kept = (await line.who()).citizen_id
    clock.advance(timedelta(days=1))
    gone = (await slack.who()).citizen_id
    await link(line, slack)
    sent = await rows(database, "SELECT key, payload FROM outbox WHERE topic = 'machi.citizens.v1'")
    assert [row["key"] for row in sent] == [kept]
    event = CitizenMerged.FromString(sent[0]["payload"])
    assert (event.from_id, event.into_id) == (gone, kept)


class GivesUpError(Exception):
    """Stands for whatever ends a transaction early."""


async def test_a_merge_that_ends_early_leaves_two_people(
    line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    ids = ((await line.who()).citizen_id, (await slack.who()).citizen_id)
    await decide(works, clock, ids[1], Status.REFUSED)

    async def merged_and_given_up() -> None:
        async with works.begin("fukuoka") as work:
            await merge_citizens(ids, act(), work, clock)
            raise GivesUpError

    with pytest.raises(GivesUpError):
        await merged_and_given_up()
    assert ((await line.who()).citizen_id, (await slack.who()).citizen_id) == ids
    for nothing in ("aliases", "outbox WHERE topic = 'machi.citizens.v1'"):
        assert await rows(database, f"SELECT 1 FROM {nothing}") == []
    assert len(await rows(database, "SELECT 1 FROM consent_ledger")) == 1
    await link(line, slack)
    assert (await line.who()).citizen_id == (await slack.who()).citizen_id


def act() -> Act:
    return Act(new_id(), "slack", Dialogue("identity", "s"))


async def patiently(attempt: Callable[[], Awaitable[object]]) -> object:
    """What an adapter does: Unavailable is tried again."""
    while True:
        try:
            return await attempt()
        except Unavailable:
            continue


async def test_one_code_confirmed_twice_at_once_links_once(
    line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    offerer, speaker = (await line.who()).citizen_id, (await slack.who()).citizen_id
    async with works.begin("fukuoka") as work:
        code = await offer_link(Speaker(offerer, "line"), str, work, clock)

    async def confirm() -> Linked | Refusal:
        async with works.begin("fukuoka") as work:
            return await link_channels(code, Speaker(speaker, "slack"), act(), work, clock)

    outcomes = await asyncio.gather(*(patiently(confirm) for _ in range(4)))
    assert sum(isinstance(outcome, Linked) for outcome in outcomes) == 1
    assert sum(outcome is Refusal.USED for outcome in outcomes) == 3
    assert len(await rows(database, "SELECT 1 FROM outbox WHERE topic = 'machi.citizens.v1'")) == 1


async def test_two_codes_crossing_each_other_link_once(
    line: AtChannel, slack: AtChannel, clock: ManualClock, database: PodDatabase
) -> None:
    await line.who()
    clock.advance(timedelta(days=1))
    codes = [code_in(await place.opens("link")) for place in (line, slack)]
    await slack.opens("link", code=codes[0])
    await line.opens("link", code=codes[1])
    asked = [place.asked.ask.ask_id for place in (line, slack)]
    assert all(asked)
    await asyncio.gather(*(patiently(place.agrees) for place in (line, slack)))
    assert (await line.who()).citizen_id == (await slack.who()).citizen_id
    assert len(await rows(database, "SELECT 1 FROM outbox WHERE topic = 'machi.citizens.v1'")) == 1


async def test_merges_at_once_of_three_channels_end_in_one_person(
    line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    ids = [(await line.who()).citizen_id, (await slack.who()).citizen_id]
    async with works.begin("fukuoka") as work:
        ids.append((await work.citizens.find_or_make(Address("web", "w"), new_id(), clock.now())).citizen_id)
    pairs = [(ids[0], ids[1]), (ids[1], ids[2]), (ids[2], ids[0])]

    async def merge(pair: tuple[str, str]) -> None:
        async with works.begin("fukuoka") as work:
            await merge_citizens(pair, act(), work, clock)

    await asyncio.gather(*(patiently(partial(merge, pair)) for pair in pairs * 2))
    assert len(await rows(database, "SELECT 1 FROM citizens")) == 1
    assert {row["citizen_id"] for row in await rows(database, "SELECT citizen_id FROM links")} <= set(ids)
    assert len(await rows(database, "SELECT DISTINCT citizen_id FROM aliases")) == 1
    assert len(await rows(database, "SELECT 1 FROM outbox WHERE topic = 'machi.citizens.v1'")) == 2


async def test_whatever_a_person_does_meanwhile_is_not_lost(
    line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock
) -> None:
    for round_ in range(8):
        line.address, slack.address = f"U{round_}", f"T1/U{round_}"
        ids = ((await line.who()).citizen_id, (await slack.who()).citizen_id)
        older = ids[round_ % 2]
        clock.advance(timedelta(days=1))

        async def merge(ids: tuple[str, str] = ids) -> None:
            async with works.begin("fukuoka") as work:
                await merge_citizens(ids, act(), work, clock)

        async def refuse(citizen: str = ids[0]) -> None:
            async with works.begin("fukuoka") as work:
                decision = Decision(f"refuse-{citizen}", citizen, PURPOSE, 1, Status.REFUSED, "line")
                await decide_consent(decision, work, clock)

        async def speak(citizen: str = ids[1]) -> None:
            async with works.begin("fukuoka") as work:
                await choose_language(citizen, "en", work, clock)

        async def focus(citizen: str = older) -> None:
            async with works.begin("fukuoka") as work:
                try:
                    await set_focus(citizen, Dialogue("reports", "s"), 0, work)
                except Conflict:  # the merge was quicker: the adapter looks again
                    return

        await asyncio.gather(*(patiently(each) for each in (merge, refuse, speak, focus)), line.who(), slack.who())
        person = await line.who()
        assert (await slack.who()).citizen_id == person.citizen_id
        assert person.language == "en"
        async with works.begin("fukuoka") as work:
            for citizen in ids:
                standing = await work.consents.standing(citizen, PURPOSE)
                assert standing is not None
                assert standing.status is Status.REFUSED
