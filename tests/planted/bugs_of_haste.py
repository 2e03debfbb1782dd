"""Bugs of what is done ahead, together, or in turns, each with the one test that must turn red for it."""

from tests.planted.bug import Bug, Edit

SDK = "libs/common/src/machi_sdk"
IDENTITY = "services/identity/src/machi_identity"

BUGS_OF_HASTE: tuple[Bug, ...] = (
    Bug(
        "the-hung-take-all-places",
        "who waits for a pod that hangs takes the places of those who talk to others",
        (
            Edit(
                f"{SDK}/inbound/queue.py",
                "asyncio.get_running_loop().time() if event.tries == 1 else -math.inf",
                "asyncio.get_running_loop().time()",
            ),
        ),
        "libs/common/tests/test_inbound.py::test_who_waits_for_a_hung_pod_takes_no_place_of_the_others",
    ),
    Bug(
        "deliveries-begin-anew",
        "each look for deliveries begins with the same people, and who is behind them has no turn",
        (Edit(f"{SDK}/deliveries/rows.py", '= max(newest, key=itemgetter("place"))["citizen_id"]', '= ""'),),
        "services/channel-line/tests/test_waiting_deliveries.py::test_who_has_many_waits_for_the_others",
    ),
    Bug(
        "consent-older-than-its-question",
        "a question about consent joins a statement that began before it came",
        (
            Edit(
                f"{IDENTITY}/adapters/standings.py",
                "            del self._open[about]  # from here",
                "            asyncio.get_running_loop().call_later(0.05, self._open.pop, about, None)  # from here",
            ),
            Edit(
                f"{IDENTITY}/adapters/standings.py",
                "self.of_many(tenant, citizen_ids, purpose)",
                "self.of_many(tenant, citizen_ids * 2, purpose)",
            ),
        ),
        "services/identity/tests/test_standings.py::test_an_answer_is_never_older_than_its_question",
    ),
    Bug(
        "who-wrote-is-remembered",
        "what was heard about a writer ahead of their turn is used again when they are looked at anew",
        (
            Edit(
                f"{SDK}/conversation/turns.py",
                "self.asked.pop(pending, None)",
                "self.asked.get(pending)",
            ),
        ),
        "libs/common/tests/test_turns.py::test_a_second_look_is_a_new_one",
    ),
    Bug(
        "asked-ahead-of-their-turn",
        "who wrote is asked although an earlier message of theirs is still being answered",
        (
            Edit(
                f"{SDK}/inbound/events.py",
                """        leased = [PendingEvent(row, self._works) for row in rows if row["tries"]]\n""",
                """        leased = [PendingEvent(row, self._works) for row in rows]\n""",
            ),
        ),
        "libs/common/tests/test_inbound.py::test_what_is_asked_ahead_is_of_people_who_have_nothing_open",
    ),
    Bug(
        "innocent-parked",
        "what was begun often is begun again beside other partitions, one of which kills the process",
        (
            Edit(
                f"{SDK}/consuming.py",
                "self._partition(kafka, *batch, beside_others=True)",
                "self._partition(kafka, *batch, beside_others=False)",
            ),
        ),
        "libs/common/tests/test_dying.py::test_only_what_kills_the_process_is_parked",
    ),
    Bug(
        "unsend-behind-what-waits",
        "words that were taken back while they waited come to the pod",
        (Edit(f"{SDK}/inbound/events.py", "        if unsent:\n", "        if not unsent:\n"),),
        "libs/common/tests/test_inbound_rows.py::test_what_an_unsend_finds_waiting_never_comes_to_a_pod",
    ),
    Bug(
        "told-for-each",
        "who waits hears it once more for each message behind the first",
        (
            Edit(
                f"{SDK}/inbound/events.py",
                "WHERE event.address_key = head.address_key AND event.state",
                "WHERE event.id = head.id AND event.state",
            ),
        ),
        "libs/common/tests/test_inbound_rows.py::test_who_waits_is_told_once_for_all_that_waits",
    ),
)
