"""Reports' rpc server in this process, on a real database, beside a stand-in of identity's consent ledger."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import asyncpg
import pytest
import yaml
from google.protobuf.message import Message

sys.path.insert(0, str(Path(__file__).parent))

from photo_samples import a_photo
from stand_in import Ledger

from machi.consent.v1.consent_service_pb2_grpc import add_ConsentServiceServicer_to_server
from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi.identity.v1.identity_service_pb2_grpc import add_IdentityServiceServicer_to_server
from machi.identity.v1.staff_service_pb2_grpc import add_StaffServiceServicer_to_server
from machi.reports.v1 import events_pb2 as facts
from machi.reports.v1.report_service_pb2 import FindCaseRequest, PutCatalogueRequest
from machi.reports.v1.report_service_pb2_grpc import ReportServiceStub
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.photo_store import ObstorePhotos
from machi_reports.adapters.photo_worker import ProcessPhotoWorker
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.entrypoints.photo_upkeep import PhotoUpkeep
from machi_reports.use_cases.shelf import Shelf
from machi_reports.wiring import assemble
from machi_sdk.clock import ManualClock
from machi_sdk.envelope import decode, wire_headers
from machi_sdk.ids import new_id
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.rpc import Peers, for_tenant
from machi_sdk.service import Pod
from machi_sdk.testing import LocalRelease, PodDatabase, PostgresAddress, database_for

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub
    from machi.reports.v1.report_service_pb2_grpc import ReportServiceAsyncStub

SERVICE = Path(__file__).resolve().parents[1]
SEEDS = SERVICE / "seeds" / "fukuoka"
TENANTS = frozenset({"fukuoka", "sapporo"})
PUBLIC_URL = "https://photos.city.example"
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CALLERS = {
    "channel-line": ["machi.dialogue.v1.DialogueService"],
    "channel-slack": ["machi.dialogue.v1.DialogueService"],
    "notifications": ["machi.reports.v1.ReportService"],
}
CONTROLS = {"!skip": wire.CONTROL_KIND_SKIP, "!back": wire.CONTROL_KIND_BACK, "!cancel": wire.CONTROL_KIND_CANCEL}
PeersOf = Callable[[str], Peers]
Say = Callable[..., Awaitable[wire.TurnResponse]]


class Options(TypedDict):
    timeout: float
    metadata: tuple[tuple[str, str], ...]


def options(tenant: str = "fukuoka") -> Options:
    return {"timeout": 60.0, "metadata": for_tenant(tenant)}


@pytest.fixture(scope="session")
def city_catalogue() -> dict[str, object]:
    """The demo city's catalogue, whole, as `machi seed` sends it."""
    document: dict[str, object] = yaml.safe_load((SEEDS / "catalogue.yaml").read_text(encoding="utf-8"))
    return {**document, "wards": json.loads((SEEDS / "wards.geojson").read_text(encoding="utf-8"))}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
async def database(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, SERVICE) as found:
        yield found


@pytest.fixture
async def connection(database: PodDatabase) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The administrator's look behind the scenes."""
    opened = await asyncpg.connect(database.admin_url)
    yield opened
    await opened.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()  # type: ignore[abstract] # the rest answers UNIMPLEMENTED


@pytest.fixture
async def release(tmp_path: Path, ledger: Ledger) -> AsyncIterator[LocalRelease]:
    serving = {
        "name": "identity",
        "version": "1",
        "owner": "test",
        "serves": [
            {"service": "machi.consent.v1.ConsentService"},
            {"service": "machi.identity.v1.IdentityService"},
            {"service": "machi.identity.v1.StaffService"},
        ],
    }
    async with LocalRelease(tmp_path, TENANTS) as found:
        await found.install(load_manifest(SERVICE / "service.yaml"))
        manifest = Manifest.model_validate(serving)
        await found.serve(manifest, add_ConsentServiceServicer_to_server, ledger)
        await found.serve(manifest, add_IdentityServiceServicer_to_server, ledger)
        await found.serve(manifest, add_StaffServiceServicer_to_server, ledger)
        yield found


@pytest.fixture
async def pod(database: PodDatabase, clock: ManualClock, release: LocalRelease) -> AsyncIterator[Pod]:
    """Reports without Kafka: rpc and database are real."""
    settings = release.settings("reports", database.url).model_copy(update={"public_url": PUBLIC_URL})
    pod = Pod(settings, load_manifest(SERVICE / "service.yaml"), clock)
    await assemble(pod)
    for name, services in CALLERS.items():
        calls = [{"pod": "reports", "services": services}]
        await pod.installed.put(
            Manifest.model_validate({"name": name, "version": "1", "owner": "test", "calls": calls})
        )
    pod.installed.read_whole = True
    await pod.rpc.start("127.0.0.1:0")
    yield pod
    await pod.rpc.drain(0.2)
    await pod.peers.close()
    await pod.database.close()


@pytest.fixture
def shelf(pod: Pod, clock: ManualClock) -> Shelf:
    """The pod's store and database, for what happens behind its doors."""
    works = pod.works(ReportsWork, CONSTRAINTS)
    return Shelf(works.begin, ObstorePhotos(pod.settings.object_store_url), clock, lambda _place: None)


@pytest.fixture
def upkeep(pod: Pod, shelf: Shelf) -> PhotoUpkeep:
    """What the pod does in the background, to be called when a test wants it."""
    works = pod.works(ReportsWork, CONSTRAINTS)
    return PhotoUpkeep(sorted(TENANTS), shelf, ProcessPhotoWorker(), MemoryCatalogues(works))


@pytest.fixture
def objects(tmp_path: Path) -> Callable[[], list[str]]:
    """The names of all objects in the store."""
    folder = tmp_path / "objects"
    return lambda: sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
async def peers_of(pod: Pod, release: LocalRelease) -> AsyncIterator[PeersOf]:
    """Channels to reports as that pod, or as "operator"."""
    opened: dict[str, Peers] = {}

    def peers(caller: str) -> Peers:
        if caller not in opened:
            release.issuer.allow(caller, "reports")
            opened[caller] = Peers({"reports": f"127.0.0.1:{pod.rpc.port}"}, release.issuer.keys_of(caller))
        return opened[caller]

    yield peers
    for found in opened.values():
        await found.close()


@pytest.fixture
def line(peers_of: PeersOf) -> "DialogueServiceAsyncStub":
    return DialogueServiceStub(peers_of("channel-line").channel("reports"))


@pytest.fixture
def slack(peers_of: PeersOf) -> "DialogueServiceAsyncStub":
    return DialogueServiceStub(peers_of("channel-slack").channel("reports"))


@pytest.fixture
def operator(peers_of: PeersOf) -> "ReportServiceAsyncStub":
    return ReportServiceStub(peers_of("operator").channel("reports"))


@pytest.fixture
async def seeded(operator: "ReportServiceAsyncStub", city_catalogue: Mapping[str, object]) -> None:
    request = PutCatalogueRequest(catalogue_json=json.dumps(city_catalogue))
    for tenant in sorted(TENANTS):
        await operator.PutCatalogue(request, **options(tenant))


def _said(words: object, ask_id: str) -> dict[str, Message]:
    """What a person did: "/open", "=chosen option", "!control", a point, a message of the wire, or plain words."""
    match words:
        case str() if words.startswith("/"):
            command, *arguments = words.removeprefix("/").split()
            return {"open": wire.Open(command=command, arguments=dict(pair.split("=", 1) for pair in arguments))}
        case str() if words.startswith("="):
            return {"choice": wire.Choice(ask_id=ask_id, option_ids=[words.removeprefix("=")])}
        case str() if words in CONTROLS:
            return {"control": wire.Control(ask_id=ask_id, kind=CONTROLS[words])}
        case str():
            return {"text": wire.TextInput(text=words)}
        case (float(latitude), float(longitude)):
            return {"place": wire.Place(latitude=latitude, longitude=longitude)}
        case Message():
            name = "text" if isinstance(words, wire.TextInput) else type(words).__name__.lower()
            return {name: words}
    raise AssertionError(f"nobody says {words!r}")


@pytest.fixture
def say(seeded: None, line: "DialogueServiceAsyncStub") -> Say:  # noqa: ARG001 (the city has a catalogue)
    """One turn of a citizen who remembers the session and the question, as an adapter does."""
    sessions: dict[str, tuple[str, str]] = {}

    async def turn(
        citizen: str,
        words: object,
        *,
        language: str = "ja",
        event_id: str = "",
        session: str | None = None,
        tenant: str = "fukuoka",
        former: tuple[str, ...] = (),
    ) -> wire.TurnResponse:
        session_id, ask_id = sessions.get(citizen, ("", ""))
        request = wire.TurnRequest(
            event_id=event_id or new_id(),
            citizen_id=citizen,
            channel="line",
            language=language,
            session_id=session_id if session is None else session,
            former_ids=former,
            **_said(words, ask_id),  # type: ignore[arg-type]
        )
        response = await line.Turn(request, **options(tenant))
        if response.session_state == wire.SESSION_STATE_OPEN:
            sessions[citizen] = (response.session_id, response.ask.ask_id)
        elif response.session_state == wire.SESSION_STATE_ENDED:
            sessions.pop(citizen, None)
        return response

    return turn


@pytest.fixture
def file_case(say: Say) -> Callable[..., Awaitable[str]]:
    """File a report and return its case number: a pothole in Chuo ward unless told otherwise."""

    async def case(citizen: str, words: str = "歩道に穴があります", place: object = (33.5903, 130.3989)) -> str:
        answers = ("/report", "=road", "=pothole", place, "!skip", words)
        for answer in answers:
            response = await say(citizen, answer)
        if response.ask.key == "messages":
            response = await say(citizen, "=yes")
        assert response.ask.key == "confirm", response
        return (await say(citizen, "=yes")).messages[0].receipt.number

    return case


@pytest.fixture
def put_photo(
    line: "DialogueServiceAsyncStub",
    seeded: None,  # noqa: ARG001 (the city has a catalogue)
) -> Callable[..., Awaitable[str]]:
    """Send a photo as an adapter does, with the event that brought it; its id."""

    async def parts(citizen: str, event_id: str, photo: bytes) -> AsyncIterator[wire.PutMediaRequest]:
        yield wire.PutMediaRequest(header=wire.MediaHeader(event_id=event_id, citizen_id=citizen))
        yield wire.PutMediaRequest(chunk=photo)

    async def put(citizen: str, event_id: str, photo: bytes = b"", tenant: str = "fukuoka") -> str:
        content = photo or a_photo(size=(400, 300))
        stored = await line.PutMedia(parts(citizen, event_id, content), **options(tenant))
        assert stored.verdict == wire.MEDIA_VERDICT_STORED
        return stored.media_id

    return put


@pytest.fixture
def file_with_photos(say: Say, put_photo: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    """File a report of roads-chuo with photos, each named by the event that brought it; the case number."""
    answers: dict[str, str] = {"photo": "!skip", "words": "穴があります", "messages": "=yes", "confirm": "=yes"}

    async def case(citizen: str, *events: str) -> str:
        for words in ("/report", "=road", "=pothole", (33.5903, 130.3989)):
            response = await say(citizen, words)
        for event_id in events:
            photo = wire.Photo(media_id=await put_photo(citizen, event_id))
            response = await say(citizen, photo, event_id=event_id)
        while response.session_state == wire.SESSION_STATE_OPEN:
            response = await say(citizen, answers[response.ask.key])
        return response.messages[0].receipt.number

    return case


@pytest.fixture
def look_at(slack: "DialogueServiceAsyncStub") -> Callable[..., Awaitable[bytes]]:
    """Fetch a photo of a card, as the desk that the card is of."""

    async def look(card: DeskCard, at: int = 0, *, small: bool = False) -> bytes:
        size = wire.MEDIA_SIZE_THUMBNAIL if small else wire.MEDIA_SIZE_UNSPECIFIED
        media_id = card.photos[at].media_id
        request = wire.GetMediaRequest(card_id=card.card_id, desk_id=card.desk_id, media_id=media_id, size=size)
        return b"".join([part.chunk async for part in slack.GetMedia(request, **options())])

    return look


@pytest.fixture
def staff_turn(slack: "DialogueServiceAsyncStub") -> Say:
    """One turn of an officer of roads-chuo, or of other desks when told."""

    async def turn(
        action: wire.CardPress | wire.CardReply,
        *,
        name: str = "道路係 担当1",
        desks: tuple[str, ...] = ("roads-chuo",),
        roles: tuple[str, ...] = ("officer",),
        language: str = "ja",
        event_id: str = "",
        tenant: str = "fukuoka",
    ) -> wire.TurnResponse:
        staff = wire.StaffActor(staff_id=f"staff-{name}", display_name=name, desk_ids=desks, roles=roles)
        request = wire.TurnRequest(event_id=event_id or new_id(), staff=staff, channel="slack", language=language)
        if isinstance(action, wire.CardPress):
            request.card_press.CopyFrom(action)
        else:
            request.card_reply.CopyFrom(action)
        return await slack.Turn(request, **options(tenant))

    return turn


@pytest.fixture
def outbox(connection: "asyncpg.Connection[asyncpg.Record]") -> Callable[[], Awaitable[list[Message]]]:
    """Every event waiting to leave, oldest first."""
    assert facts.DESCRIPTOR
    assert CardAnnounced.DESCRIPTOR

    async def events() -> list[Message]:
        rows = await connection.fetch("SELECT topic, key, headers, payload FROM outbox ORDER BY id")
        headers = [wire_headers(json.loads(row["headers"])) for row in rows]
        return [
            decode(r["topic"], r["key"].encode(), h, r["payload"]).event for r, h in zip(rows, headers, strict=True)
        ]

    return events


@pytest.fixture
def card_of(
    slack: "DialogueServiceAsyncStub", operator: "ReportServiceAsyncStub"
) -> Callable[..., Awaitable[DeskCard]]:
    """The card of a case number, as a desk sees it."""

    async def card(number: str, desk: str = "roads-chuo", language: str = "ja", tenant: str = "fukuoka") -> DeskCard:
        found = await operator.FindCase(FindCaseRequest(case_number=number), **options(tenant))
        request = wire.CardRequest(card_id=found.report_id, desk_id=desk, language=language)
        return (await slack.Card(request, **options(tenant))).card

    return card
