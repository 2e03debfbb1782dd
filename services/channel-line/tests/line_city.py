"""Stand-ins of identity and of a talking pod over real gRPC, and the city they make with channel-line and LINE."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import grpc
from google.protobuf.message import Message
from pydantic import SecretStr

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1 import messages_pb2 as neutral
from machi.dialogue.v1.dialogue_service_pb2_grpc import (
    DialogueServiceServicer,
    add_DialogueServiceServicer_to_server,
)
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceServicer, add_IdentityServiceServicer_to_server
from machi_channel_line.wiring import assemble
from machi_sdk.errors import Conflict, Missing
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.service import Pod
from machi_sdk.testing import LocalRelease, PodDatabase, announce_pods, create_topics, registered_topics, running_pod
from machi_simulator.config import Config
from machi_simulator.testing import Simulator, running
from machi_tools.embedded.ports import next_free

if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]

SERVICE = Path(__file__).parent.parent
TOPICS = SERVICE.parent.parent / "protos" / "topics"
TENANTS = frozenset({"fukuoka", "sapporo"})  # the second has no account at LINE
IDENTITY = Manifest.model_validate(
    {
        "name": "identity",
        "version": "1",
        "owner": "test",
        "serves": [{"service": "machi.identity.v1.IdentityService"}],
    }
)
TITLES = {"ja": "題", "ja-Hira": "だい", "en": "Title", "zh-Hant": "題目"}
LAMPS = Manifest.model_validate(
    {
        "name": "lamps",
        "version": "1",
        "owner": "test",
        "serves": [{"service": "machi.dialogue.v1.DialogueService"}],
        "dialogues": [
            {"command": "welcome", "role": "greeting", "titles": TITLES},
            {"command": "help", "role": "fallback", "titles": TITLES, "keywords": {"ja": ["案内？"]}},
            {"command": "language", "role": "language", "titles": TITLES, "keywords": {"en": ["English please"]}},
            {"command": "lamp", "menu": True, "titles": TITLES, "keywords": {"ja": ["街灯"]}},
        ],
    }
)


class FakeIdentity(IdentityServiceServicer):
    """People by address; a citizen's id is made of the address."""

    def __init__(self) -> None:
        self.focus: dict[str, identity.Focus] = defaultdict(identity.Focus)
        self.addresses: dict[str, str] = {}
        self.reachable: dict[str, bool] = {}
        self.refusing: set[str] = set()
        self.releases: Counter[str] = Counter()
        self.default_language = "ja"
        self.languages: dict[str, str] = {}  # as they chose

    async def Resolve(self, request: identity.ResolveRequest, context: "Context") -> identity.ResolveResponse:
        citizen = f"c-{request.address}"
        self.addresses[citizen] = request.address
        return identity.ResolveResponse(
            citizen_id=citizen,
            language=self.languages.get(citizen, "ja"),
            language_chosen=citizen in self.languages,
            focus=self.focus[citizen],
            reachable=self.reachable.get(request.address, True),
        )

    async def GetTenant(self, request: identity.GetTenantRequest, context: "Context") -> identity.GetTenantResponse:
        return identity.GetTenantResponse(languages=["ja", "en"], default_language=self.default_language)

    async def SetFocus(self, request: identity.SetFocusRequest, context: "Context") -> identity.SetFocusResponse:
        present = self.focus[request.citizen_id]
        if present.version != request.expected_version:
            raise Conflict("focus-moved")
        focus = identity.Focus(pod=request.pod, session_id=request.session_id, version=present.version + 1)
        self.focus[request.citizen_id] = focus
        return identity.SetFocusResponse(focus=focus)

    async def ReleaseAddress(
        self,
        request: identity.ReleaseAddressRequest,
        context: "Context",
    ) -> identity.ReleaseAddressResponse:
        if request.citizen_id not in self.addresses:
            raise Missing("citizen-unknown")
        self.releases[identity.ReleaseBasis.Name(request.basis)] += 1
        if request.purpose in self.refusing:
            return identity.ReleaseAddressResponse(verdict=identity.RELEASE_VERDICT_NO_CONSENT)
        return identity.ReleaseAddressResponse(
            verdict=identity.RELEASE_VERDICT_RELEASED,
            address=self.addresses[request.citizen_id],
            focus=self.focus[request.citizen_id],
        )

    async def GetContact(self, request: identity.GetContactRequest, context: "Context") -> identity.GetContactResponse:
        language = self.languages.get(request.citizen_id, "ja")
        return identity.GetContactResponse(language=language, channel="line", citizen_id=request.citizen_id)

    async def SetReachable(
        self,
        request: identity.SetReachableRequest,
        context: "Context",
    ) -> identity.SetReachableResponse:
        self.reachable[request.address] = request.reachable
        return identity.SetReachableResponse()


class FakeLamps(DialogueServiceServicer):
    """Asks which lamp, then a photo; keeps answers by event id as every pod does."""

    def __init__(self) -> None:
        self.kept: dict[str, wire.TurnResponse] = {}
        self.effects: list[wire.TurnRequest] = []
        self.photos: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()

    async def Turn(self, request: wire.TurnRequest, context: "Context") -> wire.TurnResponse:
        await self.open.wait()
        if request.event_id not in self.kept:
            self.effects.append(request)
            self.kept[request.event_id] = self._answer(request)
        return self.kept[request.event_id]

    async def PutMedia(
        self,
        request_iterator: AsyncIterator[wire.PutMediaRequest],
        context: "Context",
    ) -> wire.PutMediaResponse:
        parts = [part async for part in request_iterator]
        content = b"".join(part.chunk for part in parts[1:])
        if not content.startswith(b"\xff\xd8"):
            return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_NOT_A_PHOTO)
        self.photos.append(content)
        return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_STORED, media_id="m-1")

    def said(self, kind: str) -> list[wire.TurnRequest]:
        """Turns that had an effect, by kind of input."""
        return [request for request in self.effects if request.WhichOneof("input") == kind]

    def _answer(self, request: wire.TurnRequest) -> wire.TurnResponse:
        kind = request.WhichOneof("input")
        if kind == "open":
            return self._opened(request)
        if kind in ("resume", "unsupported"):
            return _response(wire.SESSION_STATE_OPEN, ask=_photo_ask())
        if kind == "choice":
            return _response(wire.SESSION_STATE_OPEN, "どの街灯か分かりました", _photo_ask())
        if kind == "photo":
            return _response(wire.SESSION_STATE_ENDED, "受付番号 LMP-234-5")
        if kind == "retract":
            return wire.TurnResponse()
        return _response(wire.SESSION_STATE_OPEN, f"聞きました：{request.text.text}", _lamp_ask())

    def _opened(self, request: wire.TurnRequest) -> wire.TurnResponse:
        command = request.open.command
        if command == "lamp":
            return _response(wire.SESSION_STATE_OPEN, ask=_lamp_ask())
        answer = wire.TurnResponse(messages=[_text(f"{command}です")], understood=True)
        answer.language = "en" if command == "language" else ""
        return answer


def _text(words: str) -> neutral.Message:
    return neutral.Message(text=neutral.Text(text=words))


def _response(state: wire.SessionState.ValueType, words: str = "", ask: neutral.Ask | None = None) -> wire.TurnResponse:
    return wire.TurnResponse(
        messages=[_text(words)] if words else [], ask=ask, session_id="s-1", session_state=state, understood=True
    )


def _lamp_ask() -> neutral.Ask:
    options = [neutral.Option(option_id="a", label="公園の街灯"), neutral.Option(option_id="b", label="通りの街灯")]
    return neutral.Ask(ask_id="q-1", key="lamp", prompt="どの街灯ですか", choice=neutral.ChoiceAsk(options=options))


def _photo_ask() -> neutral.Ask:
    return neutral.Ask(ask_id="q-2", key="photo", prompt="写真を送ってください", photo=neutral.PhotoAsk(maximum=1))


@dataclass
class LineCity:
    """Everything a test looks at."""

    simulator: Simulator
    identity: FakeIdentity
    lamps: FakeLamps
    pod: Pod
    bootstrap: str

    async def heard(self, user: str) -> list[str]:
        """What the account said to a resident: texts, or a card's notification text."""
        said = await self.simulator.line.heard(user)
        return [str(each.content.get("text") or each.content.get("altText")) for each in said]

    async def until_heard(self, user: str, count: int, seconds: float = 60.0) -> list[str]:
        """The first `count` things said, once there are so many."""

        async def enough() -> list[str]:
            said = await self.heard(user)
            return said if len(said) >= count else []

        return await self.simulator.until(enough, seconds, f"{count} messages")


@asynccontextmanager
async def running_city(
    database: PodDatabase, bootstrap: str, folder: Path, proxy: str | None = None
) -> AsyncIterator[LineCity]:
    """The pod, ready, with everything around it."""
    manifest = load_manifest(SERVICE / "service.yaml")
    await create_topics(bootstrap, registered_topics(TOPICS))
    await announce_pods(bootstrap, [manifest, IDENTITY, LAMPS])
    people, lamps = FakeIdentity(), FakeLamps()  # type: ignore[abstract]
    address = f"127.0.0.1:{next_free(23_000)}"  # no port that a client may get meanwhile
    config = Config(
        simulator_line_webhook=f"http://{address}/line/webhook", simulator_line_redelivery_delays=(0.3,) * 9
    )
    async with running(config) as simulator, LocalRelease(folder, TENANTS) as release:
        await release.serve(IDENTITY, add_IdentityServiceServicer_to_server, people)
        await release.serve(LAMPS, add_DialogueServiceServicer_to_server, lamps)
        await release.install(manifest)
        line = {
            "machi_http_address": address,
            "platform_proxy": proxy,
            "line_api_url": simulator.line_api_url,
            "line_data_api_url": simulator.line_data_api_url,
            "line_channel_secret": SecretStr(config.line_channel_secret),
            "line_channel_access_token": SecretStr(config.line_channel_access_token),
            "line_bot_user_id": config.line_bot_user_id,
        }
        settings = release.settings("channel-line", database.url, bootstrap).model_copy(update=line)
        async with running_pod(assemble, settings, manifest) as pod:
            yield LineCity(simulator, people, lamps, pod, bootstrap)
