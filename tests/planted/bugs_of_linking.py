"""Bugs of linking and merging, each with the one test that must turn red for it."""

from tests.planted.bug import Bug, Edit

SDK = "libs/common/src/machi_sdk"
IDENTITY = "services/identity/src/machi_identity"

BUGS_OF_LINKING: tuple[Bug, ...] = (
    Bug(
        "merge-overtakes-a-writer",
        "a merge does not wait for who is writing under the old id",
        (
            Edit(
                f"{SDK}/migrating.py",
                "        PERFORM pg_advisory_xact_lock_shared(hashtextextended(whose || '/' || citizen, 2));\n",
                "",
            ),
        ),
        "libs/common/tests/test_aliases.py::test_what_is_being_written_is_waited_for",
    ),
    Bug(
        "merge-under-a-turn",
        "a turn is stored for a person who was merged since it was begun",
        (
            Edit(
                f"{SDK}/dialogue/sessions.py",
                "AND version = $2 AND citizen_id = $3 RETURNING",
                "AND version = $2 AND $3 <> '' RETURNING",
            ),
        ),
        "libs/common/tests/test_aliases.py::test_a_merge_in_the_middle_of_a_turn_makes_it_think_again",
    ),
    Bug(
        "merge-chain-half-followed",
        "rows move to who was meant when the fact was written, and not to who that is by now",
        (
            Edit(
                f"{SDK}/aliases.py",
                "        await work.db.execute(statement, work.tenant, from_id, present)",
                "        await work.db.execute(statement, work.tenant, from_id, into_id)",
            ),
        ),
        "libs/common/tests/test_aliases.py::test_a_chain_ends_at_the_last_one_in_every_order",
    ),
    Bug(
        "former-ids-ignored",
        "a pod waits for the fact of a merge while the person is already speaking",
        (Edit(f"{SDK}/dialogue/kit.py", "        await self._learn(request, context)\n", ""),),
        "libs/common/tests/test_aliases.py::test_a_session_goes_on_under_the_new_id_before_the_merge_is_heard_of",
    ),
    Bug(
        "newer-yes-beats-a-no",
        "after a merge the latest decision counts, whatever was refused on the other side",
        (Edit(f"{IDENTITY}/domain/merging.py", "if each.status in _NO]", "if not each.status]"),),
        "services/identity/tests/test_merging.py::test_a_no_on_either_side_wins_until_the_person_is_asked_again",
    ),
    Bug(
        "code-good-twice",
        "a code that linked two channels is not used up",
        (Edit(f"{IDENTITY}/use_cases/link_channels.py", "    await city.codes.use(code_hash, clock.now())\n", ""),),
        "services/identity/tests/test_merging.py::test_one_code_confirmed_twice_at_once_links_once",
    ),
    Bug(
        "wrong-codes-not-counted",
        "codes can be guessed without end",
        (
            Edit(
                f"{IDENTITY}/use_cases/check_link.py",
                "    if found is Refusal.WRONG:\n",
                "    if found is Refusal.PAUSED:\n",
            ),
        ),
        "services/identity/tests/test_linking.py::test_five_wrong_codes_bring_a_pause",
    ),
    Bug(
        "former-id-tells-nobody",
        "news under an id from before a merge is kept for that id",
        (
            Edit(
                "services/notifications/src/machi_notifications/adapters/peers.py",
                "answer.citizen_id or citizen_id",
                "citizen_id",
            ),
        ),
        "services/notifications/tests/test_pod.py::test_late_facts_under_a_former_id_tell_the_person_of_today",
    ),
)
