"""Citizens who turn out to be one: whatever order it is heard in, and whatever is written meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import permutations

import pytest
from talking import Talk, Tell

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.aliases import learn, rekey, take_merges
from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.dialogue import DialogueKit, TurnContext, open_session
from machi_sdk.dialogue.answers import Answers
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid
from machi_sdk.ids import new_id
from machi_sdk.testing import wait_until
from machi_sdk.work import Origin, Work, Works

pytestmark = pytest.mark.integration
NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, present_id($1, $3))"
# Four ids of one person, each pair in the order it was merged: d into c, c into b, b into a.
CHAIN = (("d", "c"), ("c", "b"), ("b", "a"))


class DiaryWork(Work):
    """The toy pod keeps notes of citizens."""

    moves = ("UPDATE notes SET author = $3 WHERE tenant = $1 AND author = $2",)

    async def note(self, note: str, author: str) -> None:
        await self.db.execute(NOTE, self.tenant, note, author)

    async def authors(self) -> dict[str, str]:
        rows = await self.db.fetch("SELECT note, author FROM notes WHERE tenant = $1", self.tenant)
        return {row["note"]: row["author"] for row in rows}


@pytest.fixture
def diary(database: Database, clock: ManualClock) -> Works[DiaryWork]:
    return Works(database, DiaryWork, Origin("toy", clock))


class GaveUpError(Exception):
    """Stands for whatever ends a transaction early."""


def heard(from_id: str, into_id: str) -> Received:
    event = CitizenMerged(from_id=from_id, into_id=into_id)
    return Received(event, new_id(), "x", "fukuoka", into_id, datetime.now(UTC), "machi.citizens.v1", {})


async def hear(diary: Works[DiaryWork], *merges: tuple[str, str]) -> None:
    for merge in merges:
        async with diary.begin("fukuoka") as work:
            await take_merges([heard(*merge)], work)


async def authors(diary: Works[DiaryWork], tenant: str = "fukuoka") -> dict[str, str]:
    async with diary.begin(tenant) as work:
        return await work.authors()


def orders() -> list[tuple[tuple[str, str], ...]]:
    """Every order of the chain's merges, each with one of them heard twice."""
    return [(*order, again) for order in permutations(CHAIN) for again in CHAIN]


async def test_a_chain_ends_at_the_last_one_in_every_order(diary: Works[DiaryWork]) -> None:
    for number, order in enumerate(orders()):
        merges = [(f"{one}{number}", f"{other}{number}") for one, other in order]
        people = [f"{person}{number}" for person in "abcd"]
        async with diary.begin("fukuoka") as work:
            for person in people:
                await work.note(f"early {person}", person)
        for at, merge in enumerate(merges):
            await hear(diary, merge)
            async with diary.begin("fukuoka") as work:
                await work.note(f"{at} {merge}", merge[0])  # a fact that comes late, under the old id
        async with diary.begin("fukuoka") as work:
            for person in people:
                await work.note(f"late {person}", person)
            await work.db.execute("DELETE FROM notes WHERE author = $1", f"a{number}")
        assert await authors(diary) == {}, merges


async def test_other_people_and_other_tenants_keep_what_is_theirs(diary: Works[DiaryWork]) -> None:
    for tenant in ("fukuoka", "sapporo"):
        async with diary.begin(tenant) as work:
            await work.note("of b", "b")
            await work.note("of x", "x")
    await hear(diary, ("b", "a"))
    assert await authors(diary) == {"of b": "a", "of x": "x"}
    assert await authors(diary, "sapporo") == {"of b": "b", "of x": "x"}


async def test_merges_at_once_leave_no_half_chain(diary: Works[DiaryWork]) -> None:
    for number in range(5):
        suffix = str(number)
        chain = [(one + suffix, other + suffix) for one, other in CHAIN]
        async with diary.begin("fukuoka") as work:
            for person in "abcd":
                await work.note(f"{person}{suffix}", person + suffix)
        await asyncio.gather(*(hear(diary, merge) for merge in chain), hear(diary, chain[0]))
    assert {note[1:]: author for note, author in (await authors(diary)).items()} == {str(n): f"a{n}" for n in range(5)}
    assert all(author == f"a{note[1:]}" for note, author in (await authors(diary)).items())


async def test_what_is_being_written_is_waited_for(diary: Works[DiaryWork]) -> None:
    async with diary.begin("fukuoka") as writing:
        await writing.note("under way", "b")
        merging = asyncio.create_task(hear(diary, ("b", "a")))
        assert await _waits(diary)
        assert not merging.done()
    await merging
    assert await authors(diary) == {"under way": "a"}


async def test_who_writes_while_a_merge_ends_writes_under_the_new_id(diary: Works[DiaryWork]) -> None:
    async def write() -> None:
        async with diary.begin("fukuoka") as work:
            await work.note("late", "b")

    async with diary.begin("fukuoka") as merging:
        await rekey(merging, "b", "a")
        writing = asyncio.create_task(write())
        assert await _waits(diary)
        assert not writing.done()
    await writing
    assert await authors(diary) == {"late": "a"}


async def _waits(diary: Works[DiaryWork]) -> bool:
    """Somebody waits for an advisory lock of this database."""

    async def look() -> bool:
        async with diary.begin("fukuoka") as work:
            query = (
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
            return bool(await work.db.fetchval(query))

    return await wait_until(look)


async def test_a_merge_that_fails_moves_nothing(diary: Works[DiaryWork]) -> None:
    async with diary.begin("fukuoka") as work:
        await work.note("of b", "b")

    async def died() -> None:
        async with diary.begin("fukuoka") as work:
            await rekey(work, "b", "a")
            raise GaveUpError

    with pytest.raises(GaveUpError):
        await died()
    assert await authors(diary) == {"of b": "b"}
    async with diary.begin("fukuoka") as work:
        await work.note("later", "b")
    assert (await authors(diary))["later"] == "b"


async def test_what_is_no_merge_is_refused(diary: Works[DiaryWork]) -> None:
    record = heard("b", "a")
    strange = Received(wire.TurnRequest(), record.event_id, "x", "fukuoka", "k", record.occurred_at, "t", {})
    async with diary.begin("fukuoka") as work:
        with pytest.raises(Invalid):
            await take_merges([strange], work)
    await hear(diary, ("b", "a"))
    with pytest.raises(Invalid, match="merged-in-a-circle"):
        await hear(diary, ("a", "b"))


async def test_a_turn_teaches_the_pod_what_it_has_not_heard(diary: Works[DiaryWork]) -> None:
    async with diary.begin("fukuoka") as work:
        await work.note("of b", "b")
        await work.note("of c", "c")
    async with diary.begin("fukuoka") as work:
        await learn(work, "a", ["b", "c"])
    assert await authors(diary) == {"of b": "a", "of c": "a"}
    await hear(diary, ("b", "a"), ("c", "b"))  # the facts come behind, and change nothing
    assert await authors(diary) == {"of b": "a", "of c": "a"}


Meanwhile = Callable[[TurnContext], Awaitable[None]]


@pytest.fixture
def meanwhile() -> list[Meanwhile]:
    """What happens in the middle of the next turns, one after another."""
    return []


@pytest.fixture
def linked(diary: Works[DiaryWork], clock: ManualClock, tell: Tell, meanwhile: list[Meanwhile]) -> tuple[Talk, Talk]:
    """One person at two phones: the first under the id they had there, the second under the one they go by now."""

    async def prepare(turn: TurnContext) -> None:
        if meanwhile:
            await meanwhile.pop(0)(turn)

    kit: DialogueKit[Work] = DialogueKit(diary, [tell], clock, prepare=prepare)
    return Talk(kit, "b"), Talk(kit, "a", former_ids=("b",))


async def test_a_session_goes_on_under_the_new_id_before_the_merge_is_heard_of(
    linked: tuple[Talk, Talk], diary: Works[DiaryWork]
) -> None:
    there, here = linked
    await there.until("words")
    here.session = there.session
    assert (await here.type("said here")).ask.key == "sure"
    # The other channel still goes by the old id: it looked the person up before the merge.
    resumed = there.request()
    resumed.resume.SetInParent()
    assert (await there.send(resumed)).ask.key == "sure"
    await hear(diary, ("b", "a"))
    assert (await there.type("yes")).session_state == wire.SESSION_STATE_ENDED
    assert list((await authors(diary)).values()) == ["said here"]


async def test_a_stranger_with_no_former_id_does_not_get_in(linked: tuple[Talk, Talk]) -> None:
    there, here = linked
    await there.until("words")
    here.session, here.former_ids = there.session, ()
    assert (await here.type("mine")).session_state == wire.SESSION_STATE_ENDED
    assert here.last.understood is False


async def test_a_merge_in_the_middle_of_a_turn_makes_it_think_again(
    linked: tuple[Talk, Talk], diary: Works[DiaryWork], meanwhile: list[Meanwhile]
) -> None:
    there, _ = linked
    await there.until("sure")
    seen: list[str] = []

    async def merge(turn: TurnContext) -> None:
        seen.append(turn.citizen_id)
        await hear(diary, *[("b", "a"), ("a", "z")][len(seen) - 1 : len(seen)])

    meanwhile += [merge] * 3
    assert (await there.type("yes")).session_state == wire.SESSION_STATE_ENDED
    assert seen == ["b", "a", "z"]
    assert list((await authors(diary)).values()) == ["a hole"]
    async with diary.begin("fukuoka") as work:
        owners = await work.db.fetch("SELECT citizen_id FROM dialogue_sessions")
    assert [row["citizen_id"] for row in owners] == ["z"]


async def test_a_merge_in_the_middle_of_opening_a_dialogue_makes_it_think_again(
    linked: tuple[Talk, Talk], diary: Works[DiaryWork], meanwhile: list[Meanwhile]
) -> None:
    there, here = linked
    meanwhile.append(lambda _turn: hear(diary, ("b", "a")))
    assert (await there.open()).ask.key == "kind"
    here.session = there.session
    assert (await here.choose("road", ask_id=there.last.ask.ask_id)).ask.key == "photo"


async def test_what_is_taken_back_is_found_under_the_new_id(
    diary: Works[DiaryWork], clock: ManualClock, tell: Tell
) -> None:
    found: list[str] = []

    async def retracted(_work: Work, turn: TurnContext, _event_id: str) -> None:
        found.append(turn.citizen_id)

    async def merge_meanwhile(_turn: TurnContext) -> None:
        if not found:
            await hear(diary, ("b", "a"))

    talk = Talk(DialogueKit(diary, [tell], clock, retracted, merge_meanwhile), "b")
    request = talk.request()
    request.retract.event_id = "unsent"
    await talk.send(request)
    assert found == ["a"]


async def test_a_session_a_pod_opens_is_its_persons(linked: tuple[Talk, Talk], diary: Works[DiaryWork]) -> None:
    _, here = linked
    async with diary.begin("fukuoka") as work:
        here.session = await open_session(work, "b", "tell", Answers({"kind": "road", "photo": None}))
    assert (await here.type("the answer")).ask.key == "sure"
