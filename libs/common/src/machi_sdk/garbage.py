"""How often a pod looks for garbage."""

import gc

# New objects until the young are looked at, and how often until the middle-aged and the old are, which are few.
_SELDOM = (5_000, 5, 3)


def collect_seldom() -> None:
    """What a pod starts with stays: its collector looks at what came since, and only after many new objects."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    gc.enable()
