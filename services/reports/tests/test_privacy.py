"""Tenants, other people's cases, photos, retracted messages, and what the database itself refuses."""

from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import asyncpg
import pytest
from google.protobuf.message import Message
from grpc.aio import AioRpcError
from PIL import Image

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi.reports.v1 import events_pb2 as facts
from machi.reports.v1.report_service_pb2 import FindCaseRequest, GetUpdateRequest, PutCatalogueRequest
from machi.reports.v1.report_service_pb2_grpc import ReportServiceStub
from machi_sdk import migrating
from machi_sdk.errors import Invalid, Missing, Unavailable
from machi_sdk.rpc import Peers, for_tenant
from machi_sdk.service import Pod
from machi_sdk.testing import PodDatabase, wait_until

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub
    from machi.reports.v1.report_service_pb2_grpc import ReportServiceAsyncStub

pytestmark = pytest.mark.integration
SERVICE = Path(__file__).resolve().parents[1]
OWN = ("reports", "updates", "steps", "photos", "photo_objects", "accesses", "catalogues")
TABLES = (*OWN, "turns", "dialogue_sessions", "aliases")
ALONE = """
SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
"""
TENJIN = (33.5903, 130.3989)
HERE, THERE = for_tenant("fukuoka"), for_tenant("sapporo")
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[Message]]]


class Settled(Protocol):
    def __call__(self, caller: str) -> Peers: ...


def a_photo() -> bytes:
    out = BytesIO()
    Image.new("RGB", (64, 48), "navy").save(out, "JPEG", comment=b"SECRET")
    return out.getvalue()


async def parts(citizen: str, event_id: str, photo: bytes) -> AsyncIterator[wire.PutMediaRequest]:
    yield wire.PutMediaRequest(
        header=wire.MediaHeader(event_id=event_id, citizen_id=citizen, content_type="image/jpeg")
    )
    for start in range(0, len(photo), 60_000):
        yield wire.PutMediaRequest(chunk=photo[start : start + 60_000])


@pytest.fixture
def put(
    line: "DialogueServiceAsyncStub",
    seeded: None,  # noqa: ARG001 (the city has a catalogue)
) -> Callable[..., Awaitable[wire.PutMediaResponse]]:
    async def put_media(citizen: str, event_id: str, photo: bytes) -> wire.PutMediaResponse:
        return await line.PutMedia(parts(citizen, event_id, photo), timeout=20, metadata=HERE)

    return put_media


@pytest.fixture
def file_with_photo(say: Turn, put: Callable[..., Awaitable[wire.PutMediaResponse]]) -> FileCase:
    async def case(citizen: str) -> str:
        media_id = (await put(citizen, "photo-event", a_photo())).media_id
        for words, event_id in (
            ("/report", ""),
            ("=road", ""),
            ("=pothole", ""),
            (TENJIN, "place-event"),
            (wire.Photo(media_id=media_id), "photo-event"),
            ("!skip", ""),
            ("名前は山田です", "words-event"),
            ("=yes", ""),
            ("=yes", ""),
        ):
            response = await say(citizen, words, event_id=event_id)
        return response.messages[0].receipt.number

    return case


async def fetched(stub: "DialogueServiceAsyncStub", card: DeskCard, desk: str = "roads-chuo") -> bytes:
    request = wire.GetMediaRequest(card_id=card.card_id, desk_id=desk, media_id=card.photos[0].media_id)
    return b"".join([part.chunk async for part in stub.GetMedia(request, timeout=30, metadata=HERE)])


async def test_a_photo_goes_to_the_desk_and_nowhere_else(
    file_with_photo: FileCase, card_of: CardOf, slack: "DialogueServiceAsyncStub"
) -> None:
    card = await card_of(await file_with_photo("hana"))
    jpeg = await fetched(slack, card)
    assert Image.open(BytesIO(jpeg)).size == (64, 48)
    assert b"SECRET" not in jpeg
    with pytest.raises((Missing, AioRpcError), match="photo is gone"):
        await fetched(slack, card, desk="front")


async def test_verdicts_on_photos(put: Callable[..., Awaitable[wire.PutMediaResponse]]) -> None:
    first = await put("hana", "e1", a_photo())
    assert first.verdict == wire.MEDIA_VERDICT_STORED
    assert await put("hana", "e1", a_photo()) == first
    assert (await put("hana", "e2", b"no photo")).verdict == wire.MEDIA_VERDICT_NOT_A_PHOTO
    assert (await put("hana", "e3", b"\xff" * (10 * 1024 * 1024 + 1))).verdict == wire.MEDIA_VERDICT_TOO_LARGE


async def test_somebody_elses_photo_is_no_photo(
    put: Callable[..., Awaitable[wire.PutMediaResponse]], say: Turn
) -> None:
    media_id = (await put("jiro", "e1", a_photo())).media_id
    for words in ("/report", "=other", TENJIN):
        await say("hana", words)
    assert (await say("hana", wire.Photo(media_id=media_id))).ask.key == "photo"


@pytest.mark.parametrize("citizen_id", ["hana", "hana-after-an-unlink"])
@pytest.mark.parametrize("event_id", ["words-event", "photo-event", "place-event"])
async def test_taken_back_messages_leave_the_card(
    file_with_photo: FileCase, card_of: CardOf, say: Turn, outbox: Outbox, *, event_id: str, citizen_id: str
) -> None:
    number = await file_with_photo("hana")
    before = await card_of(number)
    await say(citizen_id, wire.Retract(event_id=event_id), session="")
    card = await card_of(number)
    assert card.version == before.version + 1
    assert (card.words == "（本人が取り消しました）") == (event_id == "words-event")
    assert all(photo.gone for photo in card.photos) == (event_id == "photo-event")
    assert (not card.HasField("map_link")) == (event_id == "place-event")
    places = [fact.value for fact in card.facts if fact.label == "場所"]
    assert ("（本人が取り消しました）" in places) == (event_id == "place-event")
    announced = (await outbox())[-1]
    assert isinstance(announced, CardAnnounced)
    assert announced.urgent


async def test_taken_back_words_stand_in_no_conversation(
    file_with_photo: FileCase, say: Turn, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    naming = "SELECT count(*) FROM dialogue_sessions WHERE answers::text LIKE '%山田%'"
    await file_with_photo("hana")
    assert await connection.fetchval(naming) == 0, "nothing is kept of what is over"
    for words in ("/report", "=other"):
        await say("hana", words)
    await say("hana", "中央区の山田の家", event_id="unsent")
    await say("hana", "/report")
    assert await connection.fetchval(naming) == 1
    await say("hana", wire.Retract(event_id="unsent"))
    assert await connection.fetchval(naming) == 0


async def test_other_peoples_cases_are_unknown(file_case: FileCase, say: Turn) -> None:
    number = await file_case("hana")
    for command in ("rate", "reopen", "answer"):
        response = await say("jiro", f"/{command} case={number}")
        assert "見つかりません" in response.messages[0].text.text
    assert not (await say("jiro", "/cases")).messages[0].HasField("carousel")


async def test_another_tenant_sees_nothing(
    file_case: FileCase,
    card_of: CardOf,
    say: Turn,
    slack: "DialogueServiceAsyncStub",
    operator: "ReportServiceAsyncStub",
) -> None:
    number = await file_case("hana")
    card = await card_of(number)
    with pytest.raises(Missing):
        await operator.FindCase(FindCaseRequest(case_number=number), timeout=30, metadata=THERE)
    request = wire.CardRequest(card_id=card.card_id, desk_id="roads-chuo", language="ja")
    with pytest.raises(Missing):
        await slack.Card(request, timeout=30, metadata=THERE)
    response = await say("hana", f"/answer case={number}", tenant="sapporo")
    assert "見つかりません" in response.messages[0].text.text


async def test_words_of_an_update_and_their_access(
    *,
    file_case: FileCase,
    card_of: CardOf,
    outbox: Outbox,
    peers_of: Settled,
    staff_turn: Turn,
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    card = await card_of(number := await file_case("hana"))
    values = {"words": "舗装しました"}
    await staff_turn(wire.CardPress(card_id=card.card_id, desk_id="roads-chuo", action_id="resolve", values=values))
    resolved = next(event for event in await outbox() if isinstance(event, facts.ReportResolved))
    stub: ReportServiceAsyncStub = ReportServiceStub(peers_of("notifications").channel("reports"))
    request = GetUpdateRequest(report_id=card.card_id, update_id=resolved.update_id)
    answer = await stub.GetUpdate(request, timeout=30, metadata=HERE)
    assert (answer.case_number, answer.words, answer.category_code) == (number, "舗装しました", "road")
    assert await connection.fetchval("SELECT count(*) FROM accesses WHERE reader = 'notifications'") == 1
    with pytest.raises(Missing):
        await stub.GetUpdate(GetUpdateRequest(report_id=card.card_id, update_id="x"), timeout=30, metadata=HERE)
    with pytest.raises(Unavailable, match="may not call"):
        await stub.FindCase(FindCaseRequest(case_number=number), timeout=30, metadata=HERE)
    with pytest.raises(Unavailable, match="may not call"):
        await stub.PutCatalogue(PutCatalogueRequest(catalogue_json="{}"), timeout=30, metadata=HERE)


@pytest.mark.usefixtures("seeded")
async def test_a_wrong_catalogue_is_refused_and_named(operator: "ReportServiceAsyncStub") -> None:
    with pytest.raises(Invalid, match="case_prefix"):
        await operator.PutCatalogue(PutCatalogueRequest(catalogue_json="{}"), timeout=30, metadata=HERE)


@pytest.mark.usefixtures("seeded")
async def test_a_catalogue_is_checked_before_any_work_is_begun(
    operator: "ReportServiceAsyncStub", pod: Pod, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async def alone() -> bool:
        return bool(await connection.fetchval(ALONE))

    await pod.database.close()
    await wait_until(alone)
    with pytest.raises(Invalid, match="case_prefix"):
        await operator.PutCatalogue(PutCatalogueRequest(catalogue_json="{}"), timeout=30, metadata=HERE)
    assert await alone(), "the pod has taken a connection"


async def test_facts_carry_no_words(file_with_photo: FileCase, outbox: Outbox) -> None:
    await file_with_photo("hana")
    assert all(
        "山田" not in str(event) and b"\xe5\xb1\xb1" not in event.SerializeToString() for event in await outbox()
    )


async def test_rows_are_seen_only_as_their_tenant(file_case: FileCase, card_of: CardOf, database: PodDatabase) -> None:
    await card_of(await file_case("hana"))
    pod = await asyncpg.connect(database.url)
    try:
        for table in TABLES:
            assert await pod.fetchval(f'SELECT count(*) FROM "{table}"') == 0, table
        await pod.execute("SELECT set_config('machi.tenant', 'sapporo', false)")
        assert await pod.fetchval("SELECT count(*) FROM reports") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pod.execute("INSERT INTO catalogues VALUES ('fukuoka', 99, '{}', now())")
        await pod.execute("SELECT set_config('machi.tenant', 'fukuoka', false)")
        assert await pod.fetchval("SELECT count(*) FROM reports") == 1
        for table in ("steps", "accesses", "catalogues"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pod.execute(f'DELETE FROM "{table}"')
    finally:
        await pod.close()


async def test_unique_constraints_start_with_the_tenant(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    rows = await connection.fetch(
        "SELECT i.indrelid::regclass::text AS name, a.attname AS first FROM pg_index i"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE i.indisunique AND i.indrelid::regclass::text = ANY($1)",
        list(TABLES),
    )
    assert {row["name"] for row in rows} == set(TABLES)
    assert all(row["first"] == "tenant" for row in rows)


def test_the_migration_goes_up_down_up(database: PodDatabase) -> None:
    assert migrating.round_trip(SERVICE, database.owner_url) == ""
