"""Who wrote is asked while the event is being committed; what was heard is used once."""

import asyncio
import gc
from datetime import UTC, datetime

import pytest
from chatting import OnTheWay

from machi.channel.v1.events_pb2 import InboundEvent
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.conversation import InstalledOpenings, People, Talkers, Turns
from machi_sdk.envelope import Received
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import Bulkheads, EarlierMessages, PendingEvent
from machi_sdk.inbound.events import EventRows
from machi_sdk.manifest import Manifest
from machi_sdk.testing import LocalRelease, wait_until
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration


class Register(People):
    """Knows in which dialogue a person is by then."""

    def __init__(self, release: LocalRelease) -> None:
        super().__init__(release.peers("toy"), "line")
        self.asked: list[str] = []
        self.away = False

    async def resolve(self, tenant: str, address: str) -> identity.ResolveResponse:
        self.asked.append(f"{tenant} {address}")
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("identity-away")
        return identity.ResolveResponse(focus=identity.Focus(pod="toy", version=len(self.asked)))


@pytest.fixture
def register(release: LocalRelease) -> Register:
    return Register(release)


@pytest.fixture
async def turns(release: LocalRelease, register: Register, works: Works[Work], toy: Manifest) -> Turns:
    await release.install(toy)
    release.installed.read_whole = True
    talkers = Talkers(release.peers("toy"), Bulkheads())
    return Turns(register, talkers, InstalledOpenings(release.installed), EarlierMessages(works), OnTheWay())


async def accepted(works: Works[Work]) -> PendingEvent:
    event = InboundEvent(event_id="e-1", address="U1")
    record = Received(event, "e-1", "x", "fukuoka", "key", datetime.now(UTC), "topic", {})
    async with works.begin("fukuoka") as work:
        (pending,), _ = await EventRows(works).accept([record], work, 1)
    return pending


async def test_what_was_asked_ahead_is_not_asked_again(turns: Turns, register: Register, works: Works[Work]) -> None:
    pending = await accepted(works)
    turns.foresee(pending)
    await asyncio.sleep(0)
    assert register.asked == ["fukuoka U1"]
    assert (await turns.writer(pending)).focus.version == 1
    assert register.asked == ["fukuoka U1"]


async def test_a_second_look_is_a_new_one(turns: Turns, works: Works[Work]) -> None:
    pending = await accepted(works)
    turns.foresee(pending)
    assert [(await turns.writer(pending)).focus.version for _ in range(2)] == [1, 2]


async def test_an_answer_that_did_not_come_puts_the_event_off(
    turns: Turns, register: Register, works: Works[Work]
) -> None:
    pending, register.away = await accepted(works), True
    turns.foresee(pending)
    with pytest.raises(Unavailable, match="identity-away"):
        await turns.writer(pending)


async def test_an_event_nobody_handles_leaves_nothing_behind(
    turns: Turns, register: Register, works: Works[Work], caplog: pytest.LogCaptureFixture
) -> None:
    pending, register.away = await accepted(works), True
    turns.foresee(pending)
    await wait_until(turns.asked[pending].done)
    del pending
    gc.collect()
    assert register.asked == ["fukuoka U1"]
    assert not turns.asked
    assert "never retrieved" not in caplog.text
