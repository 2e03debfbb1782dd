"""What is old goes in portions: one statement over all of it that once took too long would do so for ever after."""

from collections.abc import Iterable

from machi_sdk.work import Work, Works

PORTION = 5_000


async def forget_old(works: Works[Work], tenants: Iterable[str]) -> None:
    """What is old in the tables of every pod: hops, answers that no retry can ask for, talks nobody can go on with."""
    await forget(works, "", "hops", "at < now() - interval '90 days'")
    for tenant in tenants:
        await forget(works, tenant, "turns", "answered_at < now() - interval '72 hours'")
        await forget(works, tenant, "dialogue_sessions", "touched_at < now() - interval '30 days'")


async def forget(works: Works[Work], tenant: str, table: str, which: str, *arguments: object, sets: str = "") -> None:
    """Delete the rows of a table that match `which`, or set their columns, so that they do not match any more.

    Unavailable leaves the rest to the next time.
    """
    act = f"UPDATE {table} SET {sets}" if sets else f"DELETE FROM {table}"
    rows = f"SELECT ctid FROM {table} WHERE {which} LIMIT {PORTION}"
    done = PORTION
    while done == PORTION:
        async with works.begin(tenant) as work:
            said = await work.db.execute(f"{act} WHERE ctid = ANY(ARRAY({rows}))", *arguments)
        done = int(said.rpartition(" ")[2])
