"""What a desk has to see is found as quickly after years as on the first day."""

from datetime import timedelta

import asyncpg
import pytest

from machi_channel_slack.adapters.cards import (
    _DUE,
    _IN_DOUBT,
    _NEXT_AT_ONCE,
    _NEXT_CHANGED,
    _NEXT_NEW,
    _WAITING,
    announce,
)
from machi_channel_slack.adapters.digests import _HOLD, _LIST, _MAKE, _TIDE
from machi_channel_slack.domain.cards import Announced, CardKey
from machi_channel_slack.domain.digests import DigestKind
from machi_sdk.clock import ManualClock
from machi_sdk.testing import PodDatabase, rows_read
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
TENANT, DESK = "fukuoka", "lighting"
SHOWN_LONG_AGO = """
INSERT INTO cards (tenant, card_id, desk_id, pod, wanted, shown, channel_id, ts, forms, trace, announced_at, due_at,
    at_once, held, tries, trouble)
SELECT $1, 'old-' || n, $2, 'lamps', 2, 2, 'C1', n::text, '{}', '{}', $3, $3, false, false, 0, ''
FROM generate_series(1, 5000) n
"""


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (_DUE, ("now",)),
        (_NEXT_AT_ONCE, (DESK, "now", ["new-2"], True)),
        (_NEXT_NEW, (DESK, "now", ["new-2"], False)),
        (_NEXT_CHANGED, (DESK, "now", ["new-2"])),
        (_IN_DOUBT, ("C1", "now")),
        (_TIDE, (DESK, "now", "recent")),
        (_LIST, ("digest", DESK, "now")),
        (_HOLD, ("digest", "now", timedelta(seconds=30), DESK)),
        (_WAITING, ()),
    ],
    ids=["due", "at-once", "new", "changed", "in-doubt", "tide", "list", "hold", "waiting"],
)
async def test_cards_shown_long_ago_are_not_looked_at(
    works: Works[Work], clock: ManualClock, database: PodDatabase, statement: str, values: tuple[object, ...]
) -> None:
    moments = {"now": clock.now(), "recent": clock.now() - timedelta(minutes=1)}
    async with works.begin(TENANT) as work:
        await work.db.execute(SHOWN_LONG_AGO, TENANT, DESK, clock.now() - timedelta(days=400))
        await announce(work, CardKey(TENANT, "new-1", DESK), Announced("lamps", 1, urgent=False), {})
        await work.db.execute(_MAKE, TENANT, "digest", DESK, clock.now(), DigestKind.FLOOD.value, 0)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ANALYZE cards")
    await owner.close()
    async with works.begin(TENANT) as work:
        arguments = [moments.get(each, each) if isinstance(each, str) else each for each in values]
        found = await work.db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", TENANT, *arguments)
    assert max(rows_read(found, "cards"), default=0.0) <= 50
