"""The machine under the stack: its clock beside others' clocks, its disk, the pods' tokens."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from machi_sdk.keys import seconds_left
from machi_tools.diagnosis.findings import Look
from machi_tools.stack.keys import LIFE_SECONDS
from machi_tools.stack.layout import Layout
from machi_tools.stack.lifting import DISK_NEEDED
from machi_tools.stack.pods import callees, discover
from machi_tools.stack.state import State

MOST_SKEW_SECONDS = 10.0
DISK_LOW = DISK_NEEDED
TOKEN_SOON_SECONDS = LIFE_SECONDS / 5
ELSEWHERE = Path("/var/lib/machi")  # where PostgreSQL's data lie when it may not work in the checkout


def clock_look(whose: str, skew: float, than: str = "this machine's") -> Look:
    """What to say of a clock that is `skew` seconds ahead of another."""
    look = Look()
    if abs(skew) > MOST_SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        look.wrong(
            f"{whose} clock is {abs(skew):.0f} s {way} {than}",
            "set both by NTP; leases, signatures, and tokens go by them",
        )
    return look


def disk_look(layout: Layout) -> tuple[int, Look]:
    """Free megabytes where the stack's data lie, and what to say of them."""
    look = Look()
    free = min(shutil.disk_usage(place).free for place in (layout.state, ELSEWHERE) if place.exists())
    if free < DISK_LOW:
        look.wrong(
            f"only {free >> 20} MB of disk are free, {DISK_LOW >> 20} are needed",
            f"make room; logs and data are in {layout.state}",
        )
    return free >> 20, look


def tokens_look(layout: Layout, state: State, now: datetime) -> Look:
    """Pods' tokens that are missing, over, or about to be: the supervisor renews them long before."""
    look = Look()
    cure = f"the supervisor renews them: see {layout.log('supervisor')}, then make down, make up"
    for caller, callee in _pairs(layout, state):
        judge_token(look, caller, callee, seconds_left(layout.keys / caller / "tokens" / callee, now), cure)
    return look


def judge_token(look: Look, caller: str, callee: str, left: float | None, cure: str) -> None:
    """Say what is wrong with a token that ends in `left` seconds."""
    whose = f"{caller}'s token for {callee}"
    if left is None:
        look.wrong(f"{whose} is missing or not readable", cure)
    elif left <= 0:
        look.wrong(f"{whose} expired {-left:.0f} s ago", cure)
    elif left < TOKEN_SOON_SECONDS:
        look.wrong(f"{whose} expires in {left:.0f} s", cure)


def _pairs(layout: Layout, state: State) -> Iterator[tuple[str, str]]:
    running = {pod.name for pod in state.pods}
    pods = [pod for pod in discover(layout.root) if pod.name in running]
    for pod in pods:
        yield from ((pod.name, callee) for callee in callees(pod, pods))
