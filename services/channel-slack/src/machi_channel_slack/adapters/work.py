"""The pod's unit of work, where citizens are concerned."""

from machi_sdk.deliveries import DELIVERY_MOVES
from machi_sdk.work import Work


class SlackWork(Work):
    """A transaction that knows what to move when two citizens turn out to be one."""

    moves = DELIVERY_MOVES
