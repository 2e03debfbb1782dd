"""This pod's own metrics."""

from machi_sdk.telemetry import counter, declare

declare("machi_line_answers_total", "counter", ("how",), "Answers to people's own messages by how they left")
declare("machi_line_menu_changes_total", "counter", ("outcome",), "Rich menus made, shown, and removed")


def count_answer(how: str) -> None:
    """One answer left, or did not."""
    counter("machi_line_answers_total").labels(how).inc()


def count_menu(outcome: str) -> None:
    """One change of rich menus, or a failure of one."""
    counter("machi_line_menu_changes_total").labels(outcome).inc()
