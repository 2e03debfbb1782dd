"""Each rule of shape turns red on a sample that breaks it, and stays green on one that just does not."""

import ast
from collections.abc import Callable
from textwrap import dedent, indent

import pytest

from tests.architecture import rules

Rule = Callable[[ast.Module], list[str]]

DEEP = """
def walk(rows: list[int]) -> None:
    for row in rows:
        if row:
            with open("x") as file:
                {inner}
"""
ELIF = """
def choose(kind: int) -> int:
    if kind == 1:
        return 1
    elif kind == 2:
        return 2
    elif kind == 3:
        return 3
    elif kind == 4:
        return 4
    return 0
"""


def lines(count: int) -> str:
    return 'def long() -> None:\n    """Not counted."""\n' + indent("value = 1\n" * count, "    ")


SAMPLES: list[tuple[Rule, str, str]] = [
    (rules.long_functions, lines(41), lines(40)),
    (
        rules.deep_functions,
        DEEP.format(inner="while row:\n                    row -= 1"),
        DEEP.format(inner="row -= 1"),
    ),
    (
        rules.deep_functions,
        DEEP.format(inner="try:\n                    row -= 1\n                finally:\n                    row = 0"),
        ELIF,
    ),
    (rules.crowded_functions, "def f(a, b, c, d, e, *, f): ...", "class C:\n    def f(self, a, b, c, d, *, e): ..."),
    (
        rules.broad_handlers,
        "try:\n    pass\nexcept (OSError, Exception):\n    pass",
        "try:\n    pass\nexcept OSError:\n    pass",
    ),
    (rules.broad_handlers, "try:\n    pass\nexcept:\n    pass", "value = 1"),
    (rules.open_signatures, "def f(a: dict[str, Any]) -> None: ...", "def _f(a: Any) -> None: ..."),
    (rules.open_signatures, "def f(**kwargs: Any) -> None: ...", "def f(**codes: str) -> None: ..."),
    (
        rules.unconditional_sleeps,
        "async def t():\n    await asyncio.sleep(0.5)",
        "async def t():\n    while not done():\n        await asyncio.sleep(0.05)",
    ),
    (rules.unconditional_sleeps, "time.sleep(A_WHILE)", "async def hang(seconds):\n    await asyncio.sleep(seconds)"),
    (rules.unconditional_sleeps, "time.sleep(3)", "async def t():\n    await asyncio.sleep(0)"),
]


@pytest.mark.parametrize(("rule", "bad", "good"), SAMPLES)
def test_rule_can_fail(rule: Rule, bad: str, good: str) -> None:
    assert rule(ast.parse(dedent(bad)))
    assert not rule(ast.parse(dedent(good)))
