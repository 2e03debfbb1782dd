"""What becomes of rich menus when LINE takes a part of the work only, and of people who have been silent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import asyncpg
import pytest

from machi_channel_line.adapters.menus import _ANY_WAITING, _CLAIM, _SETTLE, _WAKE, MenuRows
from machi_channel_line.adapters.work import LineWork
from machi_channel_line.domain.budget import HourlyBudget
from machi_channel_line.menu.layout import Menu, Tile
from machi_channel_line.ports import Body, Menus, MenuSide
from machi_channel_line.use_cases.keep_menus import KeepMenus
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import People
from machi_sdk.database import Database
from machi_sdk.deliveries import Accepted, Outcome, Refused
from machi_sdk.errors import Unavailable
from machi_sdk.testing import PodDatabase, rows_read
from machi_sdk.work import Origin, Works

TENANT = "fukuoka"
MANY = """
INSERT INTO menu_links (tenant, citizen_id, language, event_id, menu_id, tries, due_at)
SELECT $1, 'c-' || n, 'ja', 'e-' || n, 'm-ja', 0, 'infinity' FROM generate_series(1, 20000) AS n
"""
OLD_MENUS = """
INSERT INTO menus (tenant, menu_id, language, hash, state, made_at)
SELECT $1, 'old-' || n, 'ja', '', 'old', now() - make_interval(days => n) FROM generate_series(1, 302) AS n
"""
# All but the one who had the oldest are silent.
WHO_HAS_THEM = """
INSERT INTO menu_links (tenant, citizen_id, language, event_id, menu_id, tries, due_at, waits)
SELECT $1, 'c-' || n, 'ja', 'e-' || n, 'old-' || n, 0, 'infinity', n <> 302 FROM generate_series(1, 302) AS n
"""
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MENU = Menu("ja", "メニュー", (Tile("reports", "report", "通報", "road"),))


class Account:
    """`ports.MenuSide`, whose host for pictures may be out of reach; who was shown which menu."""

    def __init__(self, *, reached: bool = False) -> None:
        self.there: dict[str, str] = {}
        self.shown: list[tuple[str, str]] = []
        self.made = 0
        self.reached = reached

    async def menus(self) -> dict[str, str]:
        return dict(self.there)

    async def create_menu(self, menu: Body) -> str:
        self.made += 1
        self.there[f"m-{self.made}"] = str(menu["name"])
        return f"m-{self.made}"

    async def draw_menu(self, menu_id: str, png: bytes) -> None:
        if not self.reached:
            raise Unavailable("line-not-reached")

    async def default_menu(self, menu_id: str) -> None:
        assert menu_id in self.there

    async def delete_menu(self, menu_id: str) -> None:
        del self.there[menu_id]

    async def link_menu(self, address: str, menu_id: str) -> Outcome:
        if menu_id not in self.there:
            return Refused("platform-404")
        self.shown.append((address, menu_id))
        return Accepted()


class Remembered:
    """`ports.Menus` in memory: id to state, language, and hash."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, str, str]] = {}

    async def live(self, tenant: str) -> dict[str, tuple[str, str]]:
        return {language: (menu, hash_) for menu, (state, language, hash_) in self.rows.items() if state == "live"}

    async def add(self, tenant: str, menu_id: str, language: str, hash_: str) -> None:
        self.rows[menu_id] = ("made", language, hash_)

    async def promote(self, tenant: str, language: str, menu_id: str) -> None:
        self.rows[menu_id] = ("live", *self.rows[menu_id][1:])

    async def settle(self, tenant: str) -> None:
        """Nobody has a menu of their own."""

    async def unused(self, tenant: str, states: Sequence[str]) -> list[str]:
        return [menu for menu, row in self.rows.items() if row[0] in states]

    async def known(self, tenant: str) -> list[str]:
        return list(self.rows)

    async def remove(self, tenant: str, menu_id: str) -> None:
        del self.rows[menu_id]


class City:
    """`People`: the city's languages, and an address while there is one to answer to."""

    def __init__(self) -> None:
        self.address = "U1"

    async def in_answer(self, tenant: str, citizen_id: str, event_id: str) -> str:
        return self.address

    async def city(self, tenant: str) -> SimpleNamespace:
        return SimpleNamespace(default_language="ja", languages=["ja"])


async def drawn(_: Menu) -> bytes:
    return b"png"


def keeping(rows: object, line: Account, city: City | None = None, clock: ManualClock | None = None) -> KeepMenus:
    lines, people = {TENANT: cast("MenuSide", line)}, cast("People", city or City())
    budgets = {TENANT: HourlyBudget()}
    return KeepMenus(lines, cast("Menus", rows), people, clock or ManualClock(NOW), drawn, "look", budgets)


async def test_menus_whose_picture_never_arrives_do_not_pile_up() -> None:
    line, rows = Account(), Remembered()
    keep = keeping(rows, line)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await keep.refresh(TENANT, lambda _: [MENU])
        assert len(line.there) == 1
    line.reached = True
    await keep.refresh(TENANT, lambda _: [MENU])
    assert list(line.there) == list(rows.rows) == [f"m-{line.made}"]
    assert (await rows.live(TENANT))["ja"][0] == f"m-{line.made}"


async def test_who_speaks_a_language_that_is_offered_no_more_has_a_menu_in_step() -> None:
    line, rows = Account(reached=True), Remembered()
    rows.rows["m-0"] = ("live", "en", "of before")
    await keeping(rows, line).refresh(TENANT, lambda tags: [replace(MENU, language=tag) for tag in tags])
    live = await rows.live(TENANT)
    assert {language: menu_id for language, (menu_id, _) in live.items()} == {"ja": "m-1", "en": "m-2"}


@pytest.fixture
async def pool(database: PodDatabase) -> AsyncIterator[Database]:
    found = Database(database.url)
    yield found
    await found.close()


@pytest.mark.integration
async def test_who_may_not_be_reached_keeps_their_menu_until_they_write(works: Works[LineWork], pool: Database) -> None:
    line, city = Account(reached=True), City()
    rows, clock = MenuRows(works, pool), ManualClock(datetime.now(UTC) + timedelta(minutes=1))
    keep = keeping(rows, line, city, clock)
    async with works.begin(TENANT) as work:
        await work.wish_menu("c-1", "ja", "e-1")
    await keep.refresh(TENANT, lambda _: [MENU])
    await keep.link(TENANT)
    assert line.shown == [("U1", "m-1")]
    assert await rows.claim(TENANT, clock.now()) == []
    city.address = ""
    await keep.refresh(TENANT, lambda _: [Menu("ja", "メニュー２", MENU.tiles)])
    await keep.link(TENANT)
    await keep.link(TENANT)
    assert sorted(line.there) == ["m-1", "m-2"], "what a silent person sees is not deleted"
    assert await rows.claim(TENANT, clock.now()) == []
    city.address = "U1"
    await rows.wake(TENANT, "c-1", "ja", "e-2")
    await keep.link(TENANT)
    assert line.shown == [("U1", "m-1"), ("U1", "m-2")]
    assert list(line.there) == ["m-2"]


@pytest.mark.integration
async def test_of_menus_that_only_the_silent_have_the_newest_are_kept(works: Works[LineWork], pool: Database) -> None:
    line, rows = Account(reached=True), MenuRows(works, pool)
    later = datetime.now(UTC) + timedelta(minutes=1)
    line.there = {f"old-{number}": "Machi" for number in range(1, 303)}
    async with works.begin(TENANT) as work:
        await work.db.execute(OLD_MENUS, TENANT)
        await work.db.execute(WHO_HAS_THEM, TENANT)
    await keeping(rows, line).refresh(TENANT, lambda _: [MENU])
    left = {*(f"old-{number}" for number in range(1, 301)), "old-302", "m-1"}
    assert (set(line.there), set(await rows.known(TENANT))) == (left, left)
    async with works.begin(TENANT) as work:
        had = await work.db.fetch("SELECT citizen_id FROM menu_links WHERE menu_id = ''")
    assert [row["citizen_id"] for row in had] == ["c-301"]
    await rows.wake(TENANT, "c-301", "ja", "e-2")
    assert {due.citizen_id for due in await rows.claim(TENANT, later)} == {"c-301", "c-302"}


@pytest.mark.integration
async def test_a_menu_that_line_has_lost_is_made_again_for_whoever_is_due(
    works: Works[LineWork], pool: Database
) -> None:
    line = Account(reached=True)
    rows, clock = MenuRows(works, pool), ManualClock(datetime.now(UTC) + timedelta(minutes=1))
    keep = keeping(rows, line, City(), clock)
    await keep.refresh(TENANT, lambda _: [MENU])
    line.there.clear()
    for name in ("c-1", "c-2"):
        async with works.begin(TENANT) as work:
            await work.wish_menu(name, "ja", f"e-{name}")
    await keep.link(TENANT)
    assert (line.shown, await rows.known(TENANT)) == ([], [])
    await keep.refresh(TENANT, lambda _: [MENU])
    clock.advance(timedelta(minutes=10))
    await keep.link(TENANT)
    assert line.shown == [("U1", "m-2")] * 2


@pytest.mark.integration
async def test_a_wish_made_meanwhile_stays_due(works: Works[LineWork], pool: Database) -> None:
    rows, later = MenuRows(works, pool), datetime.now(UTC) + timedelta(minutes=1)
    for language in ("ja", "en"):
        await rows.add(TENANT, f"m-{language}", language, "hash")
        await rows.promote(TENANT, language, f"m-{language}")
    async with works.begin(TENANT) as work:
        await work.wish_menu("c-1", "ja", "e-1")
    (due,) = await rows.claim(TENANT, later)
    async with works.begin(TENANT) as work:
        await work.wish_menu("c-1", "en", "e-2")
    await rows.linked(TENANT, due)
    assert [each.menu_id for each in await rows.claim(TENANT, later)] == ["m-en"]


@pytest.fixture
def works(pool: Database) -> Works[LineWork]:
    return Works(pool, LineWork, Origin("channel-line", ManualClock(NOW)))


async def fill(works: Works[LineWork], database: PodDatabase) -> None:
    """A large city, whose statistics are known."""
    async with works.begin(TENANT) as work:
        await work.db.execute(MANY, TENANT)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ANALYZE menu_links")
    await owner.close()


@pytest.mark.integration
async def test_a_look_reads_nobody_who_has_their_menu(
    works: Works[LineWork], pool: Database, database: PodDatabase
) -> None:
    """It is taken each second, in a city where everybody has chosen a language."""
    rows = MenuRows(works, pool)
    await rows.add(TENANT, "m-ja", "ja", "hash")
    await rows.promote(TENANT, "ja", "m-ja")
    await fill(works, database)
    async with works.begin(TENANT) as work:
        due = await work.db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {_CLAIM}", TENANT, datetime.now(UTC))
        waiting = await work.db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {_ANY_WAITING}", TENANT)
    assert sum(rows_read(due, "menu_links")) == sum(rows_read(waiting, "menu_links")) == 0


@pytest.mark.integration
async def test_a_changed_menu_comes_to_everybody_in_a_large_city(
    works: Works[LineWork], pool: Database, database: PodDatabase
) -> None:
    """It is live at once, whoever is being written of; then people become due some thousands at a time."""
    rows = MenuRows(works, pool)
    await fill(works, database)
    await rows.add(TENANT, "m-new", "ja", MENU.hash("look to all"))
    async with works.begin(TENANT) as work, asyncio.timeout(5):
        await work.db.execute("UPDATE menu_links SET tries = 1 WHERE citizen_id = 'c-1'")
        await rows.promote(TENANT, "ja", "m-new")
    assert await rows.claim(TENANT, datetime.now(UTC) + timedelta(minutes=1)) == [], "as after a kill right here"
    await keeping(rows, Account()).refresh(TENANT, lambda _: [MENU])
    async with works.begin(TENANT) as work:
        assert await work.db.fetchval("SELECT count(*) FROM menu_links WHERE due_at <= now()") == 20_000
        at_once = await work.db.fetch("SELECT count(*) AS n FROM menu_links GROUP BY xmin::text")
    assert max(row["n"] for row in at_once) <= 5_000


@pytest.mark.integration
async def test_who_has_a_menu_and_nothing_due_is_not_read(works: Works[LineWork], database: PodDatabase) -> None:
    """Each round settles what one before may have left."""
    await fill(works, database)
    async with works.begin(TENANT) as work:
        for statement in _SETTLE:
            settled = await work.db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", TENANT, "ja", "m-ja")
            assert sum(rows_read(settled, "menu_links")) == 0, settled


@pytest.mark.integration
async def test_who_has_their_menu_has_nothing_due_whatever_was_written_before(
    works: Works[LineWork], pool: Database
) -> None:
    rows = MenuRows(works, pool)
    for person in ("c-1", "c-2"):
        await rows.wish(TENANT, person, "ja", "e-1")
    async with works.begin(TENANT) as work:
        await work.db.execute("UPDATE menu_links SET menu_id = 'm-ja' WHERE citizen_id = 'c-1'")
    await rows.add(TENANT, "m-ja", "ja", "hash")
    await rows.promote(TENANT, "ja", "m-ja")
    await rows.settle(TENANT)
    async with works.begin(TENANT) as work:
        due = await work.db.fetch("SELECT citizen_id FROM menu_links WHERE due_at < 'infinity'")
    assert [row["citizen_id"] for row in due] == ["c-2"]


@pytest.mark.integration
async def test_who_writes_again_is_found_among_all_who_were_silent(
    works: Works[LineWork], database: PodDatabase
) -> None:
    async with works.begin(TENANT) as work:
        await work.db.execute(MANY, TENANT)
        await work.db.execute("UPDATE menu_links SET waits = true, due_at = 'infinity'")
        citizen = await work.db.fetchval("SELECT min(citizen_id) FROM menu_links")
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ANALYZE menu_links")
    await owner.close()
    async with works.begin(TENANT) as work:
        woken = await work.db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {_WAKE}", TENANT, citizen, "ja", "e-1")
    assert sum(rows_read(woken, "menu_links")) <= 2, "a row read, and one written"
    async with works.begin(TENANT) as work:
        assert await work.db.fetchval("SELECT count(*) FROM menu_links WHERE NOT waits") == 1


@pytest.mark.integration
async def test_who_is_another_citizen_since_they_unlinked_keeps_having_a_menu(
    works: Works[LineWork], pool: Database
) -> None:
    line = Account(reached=True)
    rows = MenuRows(works, pool)
    keep = keeping(rows, line, clock=ManualClock(datetime.now(UTC) + timedelta(minutes=1)))
    await keep.refresh(TENANT, lambda _: [MENU])
    for event in ("e-1", "e-2"):
        await rows.wake(TENANT, "c-own", "ja", event)
        await keep.link(TENANT)
    assert line.shown == [("U1", "m-1")], "once, however often they write"


@pytest.mark.integration
async def test_two_replicas_link_each_person_once(works: Works[LineWork], pool: Database) -> None:
    rows, later = MenuRows(works, pool), datetime.now(UTC) + timedelta(minutes=1)
    await rows.add(TENANT, "m-ja", "ja", "hash")
    await rows.promote(TENANT, "ja", "m-ja")
    people = [f"c-{number}" for number in range(15)]
    for person in people:
        await rows.wish(TENANT, person, "ja", "e-1")
    claims = await asyncio.gather(*(rows.claim(TENANT, later) for _ in range(2)))
    assert sorted(due.citizen_id for claim in claims for due in claim) == sorted(people)
    assert len(await rows.claim(TENANT, later + timedelta(minutes=2))) == len(people), "whoever had them died"
