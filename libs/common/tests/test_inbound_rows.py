"""What is entered of an event, and what is kept of it."""

from datetime import UTC, datetime

import pytest

from machi.channel.v1.events_pb2 import InboundEvent
from machi.desk.v1.events_pb2 import CardAnnounced
from machi_sdk.database import Database
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid
from machi_sdk.inbound import Earlier, EarlierMessages
from machi_sdk.inbound.events import _DUE, EventRows, PendingEvent
from machi_sdk.work import Hop, Work, Works

pytestmark = pytest.mark.integration


async def enter(works: Works[Work], *events: InboundEvent) -> tuple[list[PendingEvent], int]:
    """Enter a batch, each event of the person its id begins with; those leased, and how many more there are."""
    records = [
        Received(
            event, event.event_id, "x", "fukuoka", event.event_id.partition("/")[0], datetime.now(UTC), "topic", {}
        )
        for event in events
    ]
    async with works.begin("fukuoka") as work:
        return await EventRows(works).accept(records, work, 9)


async def claimed(rows: EventRows, count: int) -> list[str]:
    return sorted(event.event.event_id for event in await rows.claim(count, {}))


async def test_one_look_finds_enough_for_many_claims(works: Works[Work], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_sdk.inbound.events._LOOK_SECONDS", 60.0)
    looks: list[str] = []
    alone = Works.alone

    async def noted(works: Works[Work], statement: str, *arguments: object, hop: Hop | None = None) -> object:
        looks.extend(["look"] if statement == _DUE else [])
        return await alone(works, statement, *arguments, hop=hop)

    monkeypatch.setattr(Works, "alone", noted)
    await enter(works, *(InboundEvent(event_id=f"p{number:02}/{n}") for number in range(29) for n in (1, 2)))
    rows, others = EventRows(works), EventRows(works)
    first = [name for _ in range(4) for name in await claimed(rows, 4)]
    assert first == [f"p{number:02}/1" for number in range(9, 25)], "the first nine were leased as they came"
    assert looks == ["look"]
    assert await claimed(others, 2) == ["p25/1", "p26/1"]
    assert await claimed(rows, 4) == ["p27/1", "p28/1"], "what another process took is left to it"
    assert looks == ["look"] * 3


async def test_a_message_that_was_taken_back_before_it_came_is_not_kept(works: Works[Work], database: Database) -> None:
    unsent = InboundEvent(event_id="a/1")
    unsent.unsent.message_id = "m-1"
    late, other = InboundEvent(event_id="b/2", message_id="m-1"), InboundEvent(event_id="b/3", message_id="m-2")
    late.text.text = other.text.text = "words"
    pressed = InboundEvent(event_id="c/4")
    await enter(works, unsent)
    leased, left = await enter(works, late, other, pressed)
    assert ([each.event.event_id for each in leased], left) == (["b/3", "c/4"], 0)
    connection = await database.connect()
    kept = await connection.fetchrow("SELECT state, reason, payload FROM inbound_events WHERE event_id = 'b/2'")
    await connection.close()
    assert tuple(kept) == ("ignored", "taken-back", b"")


async def test_what_an_unsend_finds_waiting_never_comes_to_a_pod(works: Works[Work], database: Database) -> None:
    said = [InboundEvent(event_id=f"{person}/{n}", message_id=f"m-{person}{n}") for person in "ab" for n in (1, 2)]
    first = {event.event.event_id: event for event in (await enter(works, *said))[0]}
    await first["b/1"].wait(60.0, "photo-download")
    again = (await enter(works, InboundEvent(event_id="e/1", message_id="m-e1")))[0]
    await again[0].wait(0.0, "photo-download")
    assert await claimed(EventRows(works), 1) == ["e/1"], "its second try is under way"
    unsent = [InboundEvent(event_id=f"{name}/9") for name in ("a", "b", "c", "d", "e")]
    for event, message_id in zip(unsent, ("m-a2", "m-b1", "m-a1", "m-none", "m-e1"), strict=True):
        event.unsent.message_id = message_id
    await enter(works, *unsent)
    connection = await database.connect()
    found = await connection.fetch(
        "SELECT event_id, state, payload = '' AS blank FROM inbound_events ORDER BY event_id"
    )
    await connection.close()
    left = {row["event_id"]: (row["state"], row["blank"]) for row in found if not row["event_id"].endswith("9")}
    gone, there = ("ignored", True), ("received", False)
    assert left == {"a/1": there, "a/2": gone, "b/1": gone, "b/2": there, "e/1": there}, (
        "what is being handled is taken back after it"
    )
    assert (await claimed(EventRows(works), 9))[:1] == ["b/2"], "nobody waits behind it"
    earlier = EarlierMessages(works)
    assert [await earlier.find("fukuoka", f"m-{name}") for name in ("a2", "b1")] == [[], [Earlier("b/1", "")]]


async def test_who_sent_a_message_is_known_while_its_words_are(works: Works[Work]) -> None:
    earlier = EarlierMessages(works)
    await enter(works, InboundEvent(event_id="a/1", message_id="m-1", address="T1/U1"))
    assert [
        await earlier.address(*where) for where in (("fukuoka", "m-1"), ("fukuoka", "m-2"), ("sapporo", "m-1"))
    ] == [
        "T1/U1",
        "",
        "",
    ]
    await earlier.blank("fukuoka", "m-1")
    assert await earlier.address("fukuoka", "m-1") == ""


async def test_who_waits_is_told_once_for_all_that_waits(works: Works[Work]) -> None:
    rows = EventRows(works)

    async def told() -> list[str]:
        return [event.event.event_id for event in await rows.late(0.0, 9)]

    async def end(event_id: str) -> None:
        async with works.begin("") as work:
            await work.db.execute("UPDATE inbound_events SET state = 'done' WHERE event_id = $1", event_id)

    await enter(works, InboundEvent(event_id="a/1"), InboundEvent(event_id="a/2"), InboundEvent(event_id="b/1"))
    assert await told() == ["a/1", "b/1"]
    await enter(works, InboundEvent(event_id="a/3"))
    for number in (1, 2):
        await end(f"a/{number}")
        assert await told() == [], "of what waits with the first one they know"
    await end("a/3")
    await enter(works, InboundEvent(event_id="a/4"))
    assert await told() == ["a/4"], "nothing waited any more"


async def test_what_takes_a_message_back_is_not_what_tells_a_person_to_wait(works: Works[Work]) -> None:
    unsent = [InboundEvent(event_id=f"{person}/1") for person in "ab"]
    for event in unsent:
        event.unsent.message_id = "m-0"
    await enter(works, *unsent, InboundEvent(event_id="a/2", message_id="m-1"))
    assert [event.event.event_id for event in await EventRows(works).late(0.0, 9)] == ["a/2"]


async def test_an_event_of_another_kind_is_refused_at_once(works: Works[Work]) -> None:
    stray = Received(CardAnnounced(), "e-1", "x", "fukuoka", "card", datetime.now(UTC), "topic", {})
    with pytest.raises(Invalid, match="event-type-unknown"):
        async with works.begin("fukuoka") as work:
            await EventRows(works).accept([stray], work, 9)


async def test_old_words_are_blanked_and_old_ids_dropped(works: Works[Work], database: Database) -> None:
    await enter(works, *(InboundEvent(event_id=event_id) for event_id in ("a/1", "b/1", "c/1")))
    raw = await database.connect()
    ages = {"a/1": "73 hours", "b/1": "9 days", "c/1": "1 hour"}
    for event_id, age in ages.items():
        statement = (
            "UPDATE inbound_events SET state = 'done', received_at = now() - $2::text::interval WHERE event_id = $1"
        )
        await raw.execute(statement, event_id, age)
    await EventRows(works).forget()
    rows = await raw.fetch("SELECT event_id, payload = '' AS blank FROM inbound_events ORDER BY event_id")
    assert [(row["event_id"], row["blank"]) for row in rows] == [("a/1", True), ("c/1", False)]
    await raw.close()


async def test_nobody_is_told_to_wait_once_there_is_an_answer(works: Works[Work]) -> None:
    waits, turned = (await enter(works, InboundEvent(event_id="a/1"), InboundEvent(event_id="b/1")))[0]
    await turned.mark_turned(b"", "toy")
    assert [await waits.claim_notice(), await turned.claim_notice()] == [True, False]
    assert [await waits.claim_reply("answer"), await turned.claim_reply("answer")] == [False, True]
