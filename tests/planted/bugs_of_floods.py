"""Bugs of digests, the workspace's pace, and reminders, each with the one test that must turn red for it."""

from tests.planted.bug import Bug, Edit

REPORTS = "services/reports/src/machi_reports"
SLACK = "services/channel-slack/src/machi_channel_slack"
FLOOD, PACE = "services/channel-slack/tests/test_flood.py", "services/channel-slack/tests/test_pace.py"

BUGS_OF_FLOODS: tuple[Bug, ...] = (
    Bug(
        "digest-given-up-unseen",
        "a card is marked as listed, and its list is taken for shown before it was posted",
        (
            Edit(
                f"{SLACK}/adapters/digests.py",
                "VALUES ($1, $2, $3, '', '', $5, $6, 1, 0,",
                "VALUES ($1, $2, $3, '', '', $5, $6, 1, 1,",
            ),
        ),
        f"{FLOOD}::test_many_cards_at_once_are_lines_of_lists_each_named_once",
    ),
    Bug(
        "digest-after-doubt-again",
        "a list whose post ended in doubt is posted again without looking for it",
        (
            Edit(
                f"{SLACK}/use_cases/one_message.py",
                "    if slip.attempted_at is None or message.mark is None:\n",
                "    if slip.ts or message.mark:\n",
            ),
        ),
        f"{FLOOD}::test_a_list_stands_there_once_after_doubt",
    ),
    Bug(
        "urgent-waits-in-a-list",
        "an urgent card is listed like any other",
        (
            Edit(
                f"{SLACK}/entrypoints/announcements.py",
                "event.version, event.urgent, event.quiet)",
                "event.version, urgent=False)",
            ),
        ),
        f"{FLOOD}::test_an_urgent_card_never_waits_in_a_list",
    ),
    Bug(
        "pace-not-kept",
        "the workspace's turns of the last minute are not counted",
        (
            Edit(
                f"{SLACK}/adapters/pace.py",
                "WHERE (SELECT count(*) FROM slots WHERE tenant = $1) < $4",
                "WHERE $4 > 0",
            ),
        ),
        f"{PACE}::test_three_hundred_changes_keep_the_pace_and_end_with_the_newest",
    ),
    Bug(
        "officers-wait-behind-the-background",
        "the background takes a turn of the minute while an officer waits for one",
        (Edit(f"{SLACK}/adapters/pace.py", "return first == place and await", "return await"),),
        f"{PACE}::test_what_an_officer_waits_for_goes_before_cards_and_cards_before_lists",
    ),
    Bug(
        "new-cards-wait-for-changes",
        "a new card waits for one of the workspace's turns of the minute",
        (
            Edit(
                f"{SLACK}/use_cases/one_message.py",
                "    if slip.attempted_at is not None:\n",
                "    if hall.pace:\n",
            ),
        ),
        f"{PACE}::test_new_cards_are_shown_while_changes_wait",
    ),
    Bug(
        "background-takes-all",
        "changes nobody waits for use up the minute before what an officer waits for",
        (
            Edit(
                f"{SLACK}/adapters/pace.py",
                "MOST_A_MINUTE if rank is Rank.AWAITED else MOST_A_MINUTE - KEPT_FREE",
                "MOST_A_MINUTE",
            ),
        ),
        f"{PACE}::test_the_background_leaves_room_for_what_an_officer_waits_for",
    ),
    Bug(
        "summed-up-by-every-replica",
        "a day is summed up by everybody who asks",
        (
            Edit(
                f"{REPORTS}/adapters/reminders.py",
                "ON CONFLICT DO NOTHING RETURNING true",
                "ON CONFLICT (tenant, day) DO UPDATE SET at = $3 RETURNING true",
            ),
        ),
        "services/reports/tests/test_reminders.py::test_a_case_nobody_acknowledged_is_called_to_mind_once",
    ),
)
