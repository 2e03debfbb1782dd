"""Where a report stands, as statements and indexes ask for it."""

from collections.abc import Set

from machi_reports.domain.states import CLOSED_STATES, OPEN_STATES, State
from machi_sdk.sql import literal


def among(states: Set[State]) -> str:
    """The condition, its states in their own order: an index serves a statement that says the same."""
    return f"state IN {_listed(states)}"


def _listed(states: Set[State]) -> str:
    return f"({', '.join(literal(state) for state in State if state in states)})"


OPEN = among(OPEN_STATES)
NOT_CLOSED = f"state NOT IN {_listed(CLOSED_STATES)}"  # the same, as an older index has it
