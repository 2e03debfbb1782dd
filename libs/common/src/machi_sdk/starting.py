"""The first thing a pod imports: everything else comes while no garbage is looked for, a fifth of the time to ready."""

import gc
from importlib import import_module


def start(wiring: str) -> None:
    """A pod's whole life; `wiring` names the module with its `assemble`."""
    gc.disable()
    assemble = import_module(wiring).assemble
    import_module("machi_sdk.service").run(assemble)
