"""This pod's own metrics."""

from machi_sdk.telemetry import counter, declare, gauge, get_logger

declare("machi_line_answers_total", "counter", ("how",), "Answers to people's own messages by how they left")
declare(
    "machi_line_menu_changes_total",
    "counter",
    ("outcome",),
    "Rich menus made, shown, and removed; rounds put off, and rounds that ended in step with the installed pods",
)
declare("machi_line_shortened_total", "counter", (), "Answers and notices whose beginning five messages do not hold")
declare("machi_line_menus_behind", "gauge", (), "1 while LINE has not taken the menus that the installed pods want")

log = get_logger()


def count_answer(how: str) -> None:
    """One answer left, or did not."""
    counter("machi_line_answers_total").labels(how).inc()


def note_left_out(messages: int) -> None:
    """An answer or a notice lost that many messages of its beginning."""
    counter("machi_line_shortened_total").inc()
    log.warning("messages left out", count=messages)


def count_menu(outcome: str) -> None:
    """One change of rich menus, or a failure of one."""
    counter("machi_line_menu_changes_total").labels(outcome).inc()


def note_menus(*, behind: bool) -> None:
    """Whether the last try to bring the menus to what is wanted failed."""
    gauge("machi_line_menus_behind").set(behind)
