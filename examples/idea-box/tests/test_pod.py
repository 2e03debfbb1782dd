"""The whole pod on a real PostgreSQL and Kafka: a conversation over gRPC, and two channels that are linked."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi_idea_box.dialogue import IdeaBoxDialogue, take_back
from machi_idea_box.store import IdeaBoxWork
from machi_idea_box.wiring import TEXTS, assemble
from machi_sdk import migrating
from machi_sdk.clock import SystemClock
from machi_sdk.database import Database
from machi_sdk.dialogue import Answers, TurnContext
from machi_sdk.ids import new_id
from machi_sdk.manifest import Calls, Manifest, load_manifest
from machi_sdk.rpc import for_tenant
from machi_sdk.testing import (
    Event,
    KafkaAddress,
    LocalRelease,
    PodDatabase,
    announce_pods,
    create_topics,
    publish,
    registered_topics,
    running_pod,
    wait_until,
)
from machi_sdk.work import Origin, Works

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub

pytestmark = pytest.mark.integration
SERVICE = Path(__file__).resolve().parents[1]
TOPICS = SERVICE.parents[1] / "protos" / "topics"
MANIFEST = load_manifest(SERVICE / "service.yaml")
TALKING = "machi.dialogue.v1.DialogueService"
CHANNEL = Manifest(name="a-channel", version="1", owner="tests", calls=(Calls(pod=MANIFEST.name, services=(TALKING,)),))


class Talk:
    """A person in conversation with the pod."""

    def __init__(self, stub: "DialogueServiceAsyncStub") -> None:
        self._stub = stub
        self._session = ""
        self.citizen_id = new_id()

    async def opens(self) -> wire.TurnResponse:
        """Open the dialogue."""
        return await self._turn(wire.TurnRequest(open=wire.Open(command=MANIFEST.dialogues[0].command)))

    async def says(self, words: str, event_id: str = "") -> wire.TurnResponse:
        """Type words."""
        return await self._turn(wire.TurnRequest(text=wire.TextInput(text=words), event_id=event_id))

    async def unsends(self, event_id: str) -> wire.TurnResponse:
        """Take a message back."""
        return await self._turn(wire.TurnRequest(retract=wire.Retract(event_id=event_id)))

    async def _turn(self, request: wire.TurnRequest) -> wire.TurnResponse:
        about = wire.TurnRequest(citizen_id=self.citizen_id, channel="line", language="en", session_id=self._session)
        request.MergeFrom(about)
        request.event_id = request.event_id or new_id()
        answer = await self._stub.Turn(request, timeout=30, metadata=for_tenant("fukuoka"))
        self._session = answer.session_id
        return answer


@pytest.fixture
async def talk(database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path) -> AsyncIterator[Talk]:
    """The running pod, and somebody who talks to it through a channel."""
    bootstrap = kafka_server.bootstrap
    await create_topics(bootstrap, registered_topics(TOPICS))
    await announce_pods(bootstrap, [MANIFEST, CHANNEL])
    async with LocalRelease(tmp_path) as release:
        settings = release.settings(MANIFEST.name, database.url, bootstrap)
        async with running_pod(assemble, settings, MANIFEST) as pod:
            release.addresses[MANIFEST.name] = f"127.0.0.1:{pod.rpc.port}"
            yield Talk(DialogueServiceStub(release.peers(CHANNEL.name).channel(MANIFEST.name)))


async def kept(database: PodDatabase) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute("SELECT set_config('machi.tenant', 'fukuoka', false)")
        return [(row["citizen_id"], row["words"]) for row in await connection.fetch("SELECT * FROM ideas")]
    finally:
        await connection.close()


async def test_an_idea_is_kept_and_follows_its_author(
    talk: Talk, database: PodDatabase, kafka_server: KafkaAddress
) -> None:
    assert (await talk.opens()).ask.prompt == TEXTS.say("en", "idea")
    answer = await talk.says("More benches")
    assert answer.session_state == wire.SESSION_STATE_ENDED
    assert [message.text.text for message in answer.messages] == [TEXTS.say("en", "thanks")]
    assert await kept(database) == [(talk.citizen_id, "More benches")]
    present = new_id()
    merged = Event(present, CitizenMerged(from_id=talk.citizen_id, into_id=present))
    await publish(kafka_server.bootstrap, "machi.citizens.v1", [merged])

    async def moved() -> bool:
        return await kept(database) == [(present, "More benches")]

    await wait_until(moved)


async def test_an_idea_goes_with_its_message_and_for_its_author_alone(talk: Talk, database: PodDatabase) -> None:
    await talk.opens()
    await talk.says("More benches", event_id="e-1")
    author, talk.citizen_id = talk.citizen_id, new_id()
    await talk.unsends("e-1")
    assert await kept(database) == [(author, "More benches")]
    talk.citizen_id = author
    await talk.unsends("e-1")
    assert await kept(database) == []


async def test_an_idea_goes_with_its_own_message_also_when_a_later_one_ended_the_conversation(
    database: PodDatabase,
) -> None:
    opened, clock = Database(database.url), SystemClock()
    works = Works(opened, IdeaBoxWork, Origin(MANIFEST.name, clock))
    turn = TurnContext("fukuoka", "hana", "line", "en", event_id="e-2", session_id="", now=clock.now())
    async with works.begin("fukuoka") as work:
        await IdeaBoxDialogue(TEXTS).finish(work, turn, Answers().answered("idea", "More benches", "e-1"))
    assert await kept(database) == [("hana", "More benches")]
    async with works.begin("fukuoka") as work:
        await take_back(work, turn, "e-1")
    assert await kept(database) == []
    await opened.close()


def test_migrations_go_up_down_and_up_and_match_the_tables(database: PodDatabase) -> None:
    assert migrating.round_trip(SERVICE, database.owner_url) == ""
