"""A delivery never goes backwards."""

from machi_notifications.domain.delivery import State, before

ENDS = {State.REFUSED, State.ACCEPTED, State.FAILED, State.EXPIRED, State.SUPERSEDED}


def test_ends_are_reached_from_every_open_state_and_never_left() -> None:
    for end in ENDS:
        assert before(end) == {State.HELD, State.REQUESTED, State.UNKNOWN}
    assert all(not before(state) & ENDS for state in State)


def test_unknown_may_still_become_known_but_not_requested_again() -> None:
    assert State.UNKNOWN not in before(State.UNKNOWN)
    assert before(State.REQUESTED) == {State.HELD}
    assert before(State.HELD) == frozenset()
