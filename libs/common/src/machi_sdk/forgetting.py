"""What is old goes in portions: one statement over all of it that once took too long would do so for ever after."""

from machi_sdk.work import Work, Works

PORTION = 5_000


async def in_portions(works: Works[Work], tenant: str, act: str, which: str, *arguments: object) -> None:
    """Do to the rows that match `which` what `act` says: "DELETE FROM table", or "UPDATE table SET …".

    What was done must not match any more. Unavailable leaves the rest to the next time.
    """
    table = act.split()[2 if act.startswith("DELETE") else 1]
    rows = f"SELECT ctid FROM {table} WHERE {which} LIMIT {PORTION}"
    done = PORTION
    while done == PORTION:
        async with works.begin(tenant) as work:
            said = await work.db.execute(f"{act} WHERE ctid = ANY(ARRAY({rows}))", *arguments)
        done = int(said.rpartition(" ")[2])
