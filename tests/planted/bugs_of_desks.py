"""Bugs of what desks do, each with the one test that must turn red for it."""

from tests.planted.bug import Bug, Edit

REPORTS = "services/reports/src/machi_reports"

BUGS_OF_DESKS: tuple[Bug, ...] = (
    Bug(
        "internal-note-read-out",
        "whoever knows the id of an officer's note for colleagues can read it, as if it were for the reporter",
        (
            Edit(
                f"{REPORTS}/entrypoints/rpc.py", " if entry.kind in FOR_REPORTER)\n", " if entry.kind in UpdateKind)\n"
            ),
            Edit(f"{REPORTS}/entrypoints/rpc.py", "import FOR_REPORTER\n", "import UpdateKind\n"),
        ),
        "services/reports/tests/test_desk_work.py::test_what_colleagues_tell_each_other_stays_inside_the_city",
    ),
    Bug(
        "internal-note-told",
        "a note for colleagues leaves as a word to the reporter",
        (
            Edit(
                f"{REPORTS}/adapters/facts.py",
                "        Move.ANSWER: lambda:",
                "        Move.NOTE: lambda: events.ReporterWrittenTo(report=ref, update_id=update_id),\n"
                "        Move.ANSWER: lambda:",
            ),
        ),
        "services/reports/tests/test_desk_work.py::test_what_colleagues_tell_each_other_stays_inside_the_city",
    ),
    Bug(
        "duplicate-told-again",
        "whose case was closed with its leading case hears again when that one is closed once more",
        (
            Edit(
                f"{REPORTS}/domain/states.py",
                "    Move.FOLLOW: frozenset({State.DUPLICATE}),\n",
                "    Move.FOLLOW: ANY_STATE,\n",
            ),
        ),
        "services/reports/tests/test_duplicates.py::test_every_reporter_hears_of_the_leading_cases_end_once",
    ),
)
