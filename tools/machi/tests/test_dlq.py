"""What `machi dlq` and `machi trace` ask is what a pod of a release takes, however much there is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from machi_sdk.operating import MOST_WORDS, VERBS
from machi_sdk.parking import ParkedRecord
from machi_tools.cli_dlq import _drop, _replay
from machi_tools.operator import Operator
from machi_tools.places import hops_of
from machi_tools.topic_view import TopicView

MANY = 2 * MOST_WORDS + 500
AT = datetime(2026, 4, 1, tzinfo=UTC)


class Pod:
    """A release with one pod that has parked records; it takes the words that pods take."""

    def __init__(self) -> None:
        self.parked = list(range(1, MANY + 1))
        self.asked: list[tuple[str, int]] = []

    async def pods(self) -> list[str]:
        return ["reports"]

    async def ask(self, pod: str, verb: str, *words: str) -> Sequence[object]:
        assert VERBS[verb].takes(words), f"{verb} with {len(words)} words"
        if verb == "parked":
            return [asdict(_record(each)) for each in self.parked]
        self.asked.append((verb, len(words)))
        done = {int(word) for word in words} or set(self.parked)
        self.parked = [each for each in self.parked if each not in done]
        return []

    @asynccontextmanager
    async def operator(self, *pods: str) -> AsyncIterator[Operator]:
        yield Operator(lambda _pods: pytest.fail("nobody is asked by rpc"), {}, "fukuoka")

    async def topics(self) -> list[TopicView]:
        return []


def _record(identifier: int) -> ParkedRecord:
    return ParkedRecord(identifier, "reports.a", "a.v1", 0, identifier, "e", "T", "fukuoka", "gave-up", AT, None, 1)


async def test_all_that_is_parked_is_replayed_however_much_it_is() -> None:
    pod = Pod()
    assert set((await _replay(pod, "reports", [])).values()) == {"handled"}
    assert (pod.asked, pod.parked) == ([("replay", 0)], [])
    assert await _replay(pod, "reports", []) == {}
    assert len(pod.asked) == 1, "nothing is parked"


async def test_records_that_are_named_are_replayed_and_dropped_so_many_at_once() -> None:
    pod = Pod()
    assert list(await _replay(pod, "reports", list(range(1, MOST_WORDS + 2)))) == list(range(1, MOST_WORDS + 2))
    await _drop(pod, "reports", list(pod.parked))
    assert pod.asked == [("replay", MOST_WORDS), ("replay", 1), ("drop", MOST_WORDS), ("drop", 499)]
    assert pod.parked == []


async def test_a_case_that_was_filed_outside_a_trace_has_no_hops() -> None:
    assert await hops_of(Pod(), "") == ([], ())
