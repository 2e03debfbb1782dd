"""The first thing a pod imports: everything else comes while no garbage is looked for, a fifth of the time to ready."""

import gc
from importlib import import_module

_NEW_OBJECTS = 20_000


def start(wiring: str) -> None:
    """A pod's whole life; `wiring` names the module with its `assemble`."""
    gc.disable()
    assemble = import_module(wiring).assemble
    import_module("machi_sdk.service").run(assemble)


def collect_seldom() -> None:
    """What a pod starts with stays: its collector looks at what came since, and only after many new objects."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
    gc.enable()
