"""The first thing a pod imports: everything else comes while no garbage is looked for, in a fifth less time."""

import gc
import os
from importlib import import_module

# New objects until the young are looked at, and how often until the middle-aged and the old are, which are few.
_SELDOM = (5_000, 5, 3)


def start(wiring: str) -> None:
    """A pod's whole life; `wiring` names the module with its `assemble`."""
    gc.disable()
    # gRPC would end its threads at every fork and start them anew in the child, too, which now and then dies of it
    # before it is the program it was forked for. Nobody here forks for anything else.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    assemble = import_module(wiring).assemble
    import_module("machi_sdk.service").run(assemble)


def collect_seldom() -> None:
    """What a pod starts with stays: its collector looks at what came since, and only after many new objects."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    gc.enable()
