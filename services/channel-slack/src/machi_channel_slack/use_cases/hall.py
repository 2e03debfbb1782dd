"""What showing cards of one tenant takes."""

from collections.abc import Callable
from dataclasses import dataclass

from machi_channel_slack.ports import Cards, DeskPace, Desks, Digests, Pods, Rooms, Slack
from machi_sdk.clock import Clock
from machi_sdk.texts import Texts


@dataclass(frozen=True)
class Hall:
    """The workspace, its channels, and where cards come from; `reach` names places a test may die at."""

    slack: Slack
    rooms: Rooms
    pace: DeskPace
    cards: Cards
    digests: Digests
    desks: Desks
    pods: Pods
    texts: Texts
    clock: Clock
    digest: Callable[[str], str]
    reach: Callable[[str], None]
