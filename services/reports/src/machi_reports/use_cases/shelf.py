"""What keeping photos takes: transactions of their own, the store, and the time."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from machi_reports.ports import City, PhotoStore
from machi_sdk.clock import Clock


@dataclass(frozen=True)
class Shelf:
    """`begin` opens a transaction of a tenant, `reach` names places a test may die at."""

    begin: Callable[[str], AbstractAsyncContextManager[City]]
    store: PhotoStore
    clock: Clock
    reach: Callable[[str], None]
