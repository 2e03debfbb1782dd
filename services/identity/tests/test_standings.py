"""Single questions about consent that come together are asked together, each after it came."""

import asyncio
from collections.abc import Sequence

import pytest

from machi_identity.adapters import standings
from machi_identity.adapters.standings import PgStandingsNow
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import Standing, Status
from machi_sdk.errors import Unavailable
from machi_sdk.work import Works

GIVEN, WITHDRAWN = Standing(Status.GIVEN, 1), Standing(Status.WITHDRAWN, 1)


class Ledger(PgStandingsNow):
    """Reads what stands when a statement begins, and hands it over when the gate opens."""

    def __init__(self, works: Works[IdentityWork]) -> None:
        super().__init__(works)
        self.stands: dict[str, Standing] = {}
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def of_many(self, tenant: str, citizen_ids: Sequence[str], purpose: str) -> list[Standing | None]:
        self.asked.append([f"{tenant} {purpose} {each}" for each in citizen_ids])
        found = [self.stands.get(each) for each in citizen_ids]
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return found


@pytest.fixture
def ledger(works: Works[IdentityWork]) -> Ledger:
    return Ledger(works)


def ask(ledger: Ledger, citizen: str, purpose: str = "news") -> "asyncio.Task[Standing | None]":
    return asyncio.create_task(ledger.of_one("fukuoka", citizen, purpose))


async def begun() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_comes_while_a_statement_is_under_way_shares_the_next_one(ledger: Ledger) -> None:
    ledger.stands = {f"c{number}": GIVEN for number in range(0, 40, 2)}
    first = ask(ledger, "c0")
    await begun()
    later = [ask(ledger, f"c{number}") for number in range(40)]
    await begun()
    ledger.gate.set()
    assert await first == GIVEN
    assert await asyncio.gather(*later) == [GIVEN, None] * 20
    assert [len(asked) for asked in ledger.asked] == [1, 40]


async def test_an_answer_is_never_older_than_its_question(ledger: Ledger) -> None:
    ledger.stands["ann"] = GIVEN
    before = ask(ledger, "ann")
    await begun()
    ledger.stands["ann"] = WITHDRAWN
    after = ask(ledger, "ann")
    await begun()
    ledger.gate.set()
    assert (await before, await after) == (GIVEN, WITHDRAWN)


async def test_purposes_do_not_wait_for_each_other(ledger: Ledger) -> None:
    asked = [ask(ledger, "ann", purpose) for purpose in ("news", "alerts")]
    await begun()
    assert ledger.asked == [["fukuoka news ann"], ["fukuoka alerts ann"]]
    ledger.gate.set()
    await asyncio.gather(*asked)


async def test_whoever_goes_away_spoils_nobody_elses_answer(ledger: Ledger) -> None:
    ledger.stands["bea"] = GIVEN
    first, gone, stays = (ask(ledger, citizen) for citizen in ("ann", "cem", "bea"))
    await begun()
    first.cancel()
    gone.cancel()
    ledger.gate.set()
    assert await stays == GIVEN


async def test_an_error_reaches_all_who_asked_and_ends_with_them(ledger: Ledger) -> None:
    ledger.error = Unavailable("database-unavailable")
    ledger.gate.set()
    found = await asyncio.gather(*(ask(ledger, citizen) for citizen in ("ann", "bea", "cem")), return_exceptions=True)
    assert found == [ledger.error] * 3
    ledger.error, ledger.stands["ann"] = None, GIVEN
    assert await ask(ledger, "ann") == GIVEN


async def test_a_statement_that_hangs_is_given_up(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standings, "_SECONDS", 0.01)
    with pytest.raises(Unavailable, match="database-slow"):
        await ask(ledger, "ann")


async def test_a_round_that_is_full_is_followed_by_another(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standings, "MOST_AT_ONCE", 2)
    ledger.stands = {"c0": GIVEN, "c3": WITHDRAWN}
    asked = [ask(ledger, f"c{number}") for number in range(5)]
    await begun()
    ledger.gate.set()
    assert await asyncio.gather(*asked) == [GIVEN, None, None, WITHDRAWN, None]
    assert [len(each) for each in ledger.asked] == [2, 2, 1]
    assert (ledger._open, ledger._last) == ({}, {})
