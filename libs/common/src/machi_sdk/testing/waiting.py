"""Waiting for a condition instead of sleeping."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def wait_until(condition: Callable[[], Awaitable[T]], within: float = 60.0) -> T: ...
@overload
async def wait_until(condition: Callable[[], T], within: float = 60.0) -> T: ...
async def wait_until(condition: Callable[[], T | Awaitable[T]], within: float = 60.0) -> T:
    """Poll until the condition (plain or async) is truthy and return what it gave; AssertionError after `within` s."""
    deadline = asyncio.get_running_loop().time() + within
    pause = 0.01
    while True:
        found = condition()
        value: T = await found if isawaitable(found) else found
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {within:g} s: {condition!r} is still {value!r}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)
