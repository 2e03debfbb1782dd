"""Bugs of what is refused in passing, comes late, or vanishes, each with the one test that must turn red for it."""

from tests.planted.bug import Bug, Edit

SDK = "libs/common/src/machi_sdk"

BUGS_OF_TROUBLE: tuple[Bug, ...] = (
    Bug(
        "a-gate-has-the-last-word",
        "a token that is refused while keys are changed ends what the call was for",
        (Edit(f"{SDK}/rpc/client.py", "Unavailable if of_the_caller else KIND_OF", "KIND_OF"),),
        "libs/common/tests/test_rpc.py::test_a_token_that_was_not_made_for_this_callee_is_refused",
    ),
    Bug(
        "nobody-looks-whether-it-is-there",
        "a callee whose machine lost its power is called for minutes, over a connection that nobody closed",
        (
            Edit(f"{SDK}/rpc/client.py", '    ("grpc.keepalive_time_ms", KEEPALIVE_MS),\n', ""),
            Edit(f"{SDK}/rpc/client.py", '    ("grpc.http2.ping_timeout_ms", 5_000),\n', ""),
        ),
        "libs/common/tests/test_rpc.py::test_who_vanished_without_a_word_is_looked_for_anew",
    ),
    Bug(
        "taken-back-too-early",
        "a message that comes after it was taken back is answered and kept",
        (
            Edit(
                f"{SDK}/inbound/events.py",
                "TAKEN_BACK + unsent if unsent else event.message_id",
                "event.message_id",
            ),
        ),
        "libs/common/tests/test_inbound_rows.py::test_a_message_that_was_taken_back_before_it_came_is_not_kept",
    ),
    Bug(
        "refused-though-it-may-be-there",
        "a delivery whose first try may have arrived is said to be refused",
        (
            Edit(
                f"{SDK}/deliveries/sending.py",
                '(End.UNKNOWN, "not-confirmed") if delivery.first_post_at else (end, reason)',
                "(end, reason)",
            ),
        ),
        "services/channel-line/tests/test_deliveries.py::test_what_may_have_arrived_is_not_said_to_be_refused",
    ),
    Bug(
        "old-news-of-reach",
        "an unfollow that is brought again after a follow cuts the resident off",
        (
            Edit(
                "services/identity/src/machi_identity/adapters/citizens.py",
                "CASE WHEN $5 < reachable_at THEN reachable ELSE $4 END",
                "$4",
            ),
        ),
        "services/identity/tests/test_ports_contract.py::test_old_news_of_who_can_be_reached_changes_nothing",
    ),
    Bug(
        "the-answer-before-the-end",
        "a pod that answers before it has read a photo is not heard, and the photo's event ends as failed",
        (
            Edit(
                f"{SDK}/conversation/talkers.py",
                "suppress(asyncio.InvalidStateError)",
                "suppress(asyncio.QueueEmpty)",
            ),
            Edit(f"{SDK}/rpc/server.py", "_read_whole(handler.stream_unary)", "handler.stream_unary"),
        ),
        "libs/common/tests/test_photos_on_the_way.py::test_a_pod_may_answer_before_it_has_read_the_photo",
    ),
    Bug(
        "a-form-that-stays",
        "Slack keeps a form open that was taken, and says that there was trouble",
        (
            Edit(
                "services/channel-slack/src/machi_channel_slack/entrypoints/door.py",
                'Response(status_code=status, media_type="text/plain")',
                'Response(b"{}", status, media_type="application/json")',
            ),
        ),
        "services/channel-slack/tests/test_door.py::test_what_is_taken_is_answered_without_a_body",
    ),
    Bug(
        "focus-before-the-answer",
        "the focus moves before the pod's answer is kept: who tries again takes another turn, and the receipt is lost",
        (
            Edit(
                f"{SDK}/conversation/turns.py",
                "            await pending.mark_turned(answer",
                "            await self.settle_focus(pending, writer, response)\n"
                "            await pending.mark_turned(answer",
            ),
        ),
        "libs/common/tests/test_focus.py::test_an_answer_is_kept_though_the_focus_was_set_late",
    ),
    Bug(
        "confirmed-unseen",
        "words typed after a photo answer the confirmation that was not shown yet",
        (
            Edit(
                f"{SDK}/dialogue/kit.py",
                "if behind is None or not isinstance(behind.kind, WordsQ):",
                "if behind is None:",
            ),
        ),
        "libs/common/tests/test_several_photos.py::test_words_after_a_photo_confirm_nothing_that_was_not_seen",
    ),
)
