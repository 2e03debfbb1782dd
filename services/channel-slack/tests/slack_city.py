"""Stand-ins of identity and of a pod with a card over real gRPC, and the city they make with this pod and Slack."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import grpc
from google.protobuf.message import Message
from pydantic import SecretStr
from samples import asks, board, card

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1 import messages_pb2 as neutral
from machi.dialogue.v1.desk_card_pb2 import BoardSection, DeskCard
from machi.dialogue.v1.dialogue_service_pb2_grpc import (
    DialogueServiceServicer,
    add_DialogueServiceServicer_to_server,
)
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1 import staff_service_pb2 as staff
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceServicer, add_IdentityServiceServicer_to_server
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceServicer, add_StaffServiceServicer_to_server
from machi_channel_slack.wiring import assemble
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.ids import new_id
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.service import Pod
from machi_sdk.testing import (
    LocalRelease,
    PodDatabase,
    announce_pods,
    create_topics,
    publish,
    registered_topics,
    running_pod,
)
from machi_sdk.testing.kafka import Event
from machi_sdk.work import Work
from machi_simulator.config import Config
from machi_simulator.courier import Delivery
from machi_simulator.slack.model import SlackMessage
from machi_simulator.testing import Simulator, running
from machi_tools.embedded.ports import next_free

if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]

SERVICE = Path(__file__).parent.parent
TOPICS = SERVICE.parent.parent / "protos" / "topics"
PUBLISH = "/slack/api/views.publish"
OFFICER, STRANGER, RESIDENT = "U0OFFICER", "U0STRANGER", "U0RESIDENT"
DESK = "lighting"
JPEG = b"\xff\xd8\xff\xe0" + b"street lamp" * 2_000


def _serving(name: str, service: str) -> Manifest:
    return Manifest.model_validate({"name": name, "version": "1", "owner": "test", "serves": [{"service": service}]})


IDENTITY = Manifest.model_validate(
    {
        "name": "identity",
        "version": "1",
        "owner": "test",
        "serves": [{"service": f"machi.identity.v1.{name}"} for name in ("StaffService", "IdentityService")],
    }
)
TITLES = {"ja": "街灯"}
LAMPS = Manifest.model_validate(
    {
        "name": "lamps",
        "version": "1",
        "owner": "test",
        "serves": [{"service": "machi.dialogue.v1.DialogueService"}],
        "publishes": ["machi.desk.cards.v1"],
        "dialogues": [
            {"command": "help", "role": "fallback", "titles": TITLES, "keywords": {"en": ["help", "menu"]}},
            {"command": "tongue", "role": "language", "titles": TITLES, "keywords": {"en": ["language"]}},
            {"command": "lamp", "titles": TITLES, "keywords": {"ja": ["街灯"], "en": ["lamp"]}},
        ],
    }
)


class FakeIdentity(StaffServiceServicer):
    """One desk, one officer."""

    def __init__(self, team: str) -> None:
        self.officer = staff.Staff(
            staff_id="s-1",
            display_name="花田",
            roles=["officer"],
            desk_ids=[DESK],
            slack_address=f"{team}/{OFFICER}",
        )
        self.desks = [staff.Desk(desk_id=DESK, name=DESK, language="ja")]
        self.down = False

    async def ResolveStaff(self, request: staff.ResolveStaffRequest, context: "Context") -> staff.ResolveStaffResponse:
        if self.down:
            raise Unavailable("down")
        if request.address != self.officer.slack_address:
            raise Missing("staff-unknown")
        return staff.ResolveStaffResponse(staff=self.officer)

    async def ListStaff(self, request: staff.ListStaffRequest, context: "Context") -> staff.ListStaffResponse:
        return staff.ListStaffResponse(staff=[self.officer])

    async def ListDesks(self, request: staff.ListDesksRequest, context: "Context") -> staff.ListDesksResponse:
        return staff.ListDesksResponse(desks=self.desks)


class FakePeople(IdentityServiceServicer):
    """Residents by address."""

    def __init__(self) -> None:
        self.focus: dict[str, identity.Focus] = defaultdict(identity.Focus)
        self.refusing = False
        self.language_chosen = True
        self.languages: dict[str, str] = {}
        self.away: set[str] = set()

    async def Resolve(self, request: identity.ResolveRequest, context: "Context") -> identity.ResolveResponse:
        if request.known_only and request.address not in self.languages:
            raise Missing("citizen-unknown")
        citizen = f"c-{request.address}"
        return identity.ResolveResponse(
            citizen_id=citizen,
            language=self.languages.get(request.address, "ja"),
            language_chosen=self.language_chosen,
            focus=self.focus[citizen],
            reachable=request.address not in self.away,
        )

    async def SetReachable(
        self, request: identity.SetReachableRequest, context: "Context"
    ) -> identity.SetReachableResponse:
        (self.away.discard if request.reachable else self.away.add)(request.address)
        return identity.SetReachableResponse()

    async def SetFocus(self, request: identity.SetFocusRequest, context: "Context") -> identity.SetFocusResponse:
        version = self.focus[request.citizen_id].version + 1
        focus = identity.Focus(pod=request.pod, session_id=request.session_id, version=version)
        self.focus[request.citizen_id] = focus
        return identity.SetFocusResponse(focus=focus)

    async def ReleaseAddress(
        self, request: identity.ReleaseAddressRequest, context: "Context"
    ) -> identity.ReleaseAddressResponse:
        if self.refusing:
            return identity.ReleaseAddressResponse(verdict=identity.RELEASE_VERDICT_NO_CONSENT)
        address = request.citizen_id.removeprefix("c-")
        return identity.ReleaseAddressResponse(verdict=identity.RELEASE_VERDICT_RELEASED, address=address)


class FakeLamps(DialogueServiceServicer):
    """One card, and one question after the other for residents; keeps answers by event id as every pod does."""

    def __init__(self) -> None:
        self.card = card()
        self.more: dict[str, DeskCard] = {}
        self.asked = 0
        self.kept: dict[str, wire.TurnResponse] = {}
        self.turns: list[wire.TurnRequest] = []
        self.photos: list[bytes] = []
        self.sections: list[BoardSection] = [board()]
        self.boards: list[wire.BoardRequest] = []
        self.questions: list[neutral.Ask] = list(asks("ja").values())

    async def Card(self, request: wire.CardRequest, context: "Context") -> wire.CardResponse:
        self.asked += 1
        if request.card_id in self.more:
            return wire.CardResponse(card=self.more[request.card_id])
        if (request.card_id, request.desk_id) != (self.card.card_id, self.card.desk_id):
            raise Missing("card-unknown")
        return wire.CardResponse(card=self.card)

    async def Board(self, request: wire.BoardRequest, context: "Context") -> wire.BoardResponse:
        self.boards.append(request)
        return wire.BoardResponse(sections=self.sections)

    async def GetMedia(
        self,
        request: wire.GetMediaRequest,
        context: "Context",
    ) -> AsyncIterator[wire.GetMediaResponse]:
        if request.media_id not in ("m-1", "m-2"):
            raise Missing("photo-gone")
        for at in range(0, len(JPEG), 10_000):
            yield wire.GetMediaResponse(chunk=JPEG[at : at + 10_000])

    async def Turn(self, request: wire.TurnRequest, context: "Context") -> wire.TurnResponse:
        if request.event_id not in self.kept:
            self.turns.append(request)
            words = f"できました {request.staff.display_name} <&>"
            said = wire.TurnResponse(messages=[neutral.Message(text=neutral.Text(text=words))])
            self.kept[request.event_id] = said if request.HasField("staff") else self._answer(request)
        return self.kept[request.event_id]

    async def PutMedia(
        self, request_iterator: AsyncIterator[wire.PutMediaRequest], context: "Context"
    ) -> wire.PutMediaResponse:
        parts = [part async for part in request_iterator]
        self.photos.append(b"".join(part.chunk for part in parts[1:]))
        return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_STORED, media_id="m-9")

    def _answer(self, request: wire.TurnRequest) -> wire.TurnResponse:
        kind = request.WhichOneof("input")
        if kind == "retract" or (kind == "open" and request.open.command == "help"):
            return wire.TurnResponse(messages=[neutral.Message(text=neutral.Text(text=f"{kind}です"))])
        ask = self.questions[min(len(self.kept), len(self.questions) - 1)]
        return wire.TurnResponse(ask=ask, session_id="s-1", session_state=wire.SESSION_STATE_OPEN, understood=True)


@dataclass
class SlackCity:
    """Everything a test looks at."""

    simulator: Simulator
    identity: FakeIdentity
    people: FakePeople
    lamps: FakeLamps
    pod: Pod
    bootstrap: str

    @property
    def url(self) -> str:
        """Where the pod takes webhooks."""
        return f"http://127.0.0.1:{self.pod.http.port}/slack"

    async def announce(self, *versions: int) -> None:
        """The desk has something to see, in so many versions."""
        events = []
        for version in versions:
            event = CardAnnounced(card_id="card-1", desk_id=DESK, pod="lamps", version=version)
            event.occurred_at.GetCurrentTime()
            events.append(Event("card-1", event, event_id=new_id()))
        await publish(self.bootstrap, "machi.desk.cards.v1", events)

    async def announce_of(self, pod: str, card_id: str) -> None:
        """The desk has a card of another pod."""
        event = CardAnnounced(card_id=card_id, desk_id=DESK, pod=pod, version=1)
        event.occurred_at.GetCurrentTime()
        await publish(self.bootstrap, "machi.desk.cards.v1", [Event(card_id, event, event_id=new_id())])

    async def flood(self, *numbers: int, version: int = 1, urgent: bool = False) -> None:
        """So many cards at once, each of another case."""
        events = []
        for number in numbers:
            each = card(version=version)
            each.card_id, each.number, each.brief = f"many-{number}", f"MANY-{number:03}", f"街灯  |  中央区 <{number}>"
            self.lamps.more[each.card_id] = each
            event = CardAnnounced(card_id=each.card_id, desk_id=DESK, pod="lamps", version=version, urgent=urgent)
            events.append(Event(each.card_id, event, event_id=new_id()))
        await publish(self.bootstrap, "machi.desk.cards.v1", events)

    async def messages(self) -> list[SlackMessage]:
        """What the desk's channel shows to everybody, threads too."""
        if await self.simulator.slack.channel(DESK) is None:
            return []
        return [message for message in await self.simulator.slack.messages(DESK) if not message.seen_by]

    async def whispers(self, user: str) -> list[SlackMessage]:
        """What one person was told."""
        return [message for message in await self.simulator.slack.messages(DESK) if message.seen_by == user]

    async def cards(self) -> list[SlackMessage]:
        """The messages of the app that begin a thread."""
        return [message for message in await self.messages() if message.bot_id and not message.thread_ts]

    async def shown(self, version: int, seconds: float = 60.0) -> SlackMessage:
        """The card's one message, once the pod knows that this version is shown."""

        async def settled() -> bool:
            async with self.pod.works(Work).begin("fukuoka") as work:
                return bool(await work.db.fetchval("SELECT coalesce(max(shown), 0) >= $1 FROM cards", version))

        await self.simulator.until(settled, seconds, f"version {version} is shown")
        (message,) = await self.cards()
        return message

    async def turned(self, count: int) -> list[wire.TurnRequest]:
        """The first `count` turns."""

        async def enough() -> list[wire.TurnRequest]:
            return self.lamps.turns if len(self.lamps.turns) >= count else []

        return await self.simulator.until(enough, what=f"{count} turns")

    async def replies_delivered(self, times: int) -> list[Delivery]:
        """The events of words in a thread, once they were delivered so often."""

        async def enough() -> list[Delivery]:
            events = await self.simulator.webhooks("slack", "events:message")
            found = [event for event in events if '"thread_ts"' in event.body]
            return found if sum(len(hook.attempts) for hook in found) >= times else []

        return await self.simulator.until(enough, what=f"{times} deliveries")

    async def heard(self, count: int, seconds: float = 60.0) -> list[SlackMessage]:
        """The first `count` messages to the resident."""

        async def enough() -> list[SlackMessage]:
            said = await self.simulator.slack.heard(RESIDENT)
            return said if len(said) >= count else []

        return await self.simulator.until(enough, seconds, f"{count} messages to the resident")

    async def home(self, user: str, times: int = 1) -> str:
        """A person's home tab as JSON, once it was published so often."""

        async def published() -> str:
            calls = [call for call in await self.simulator.received(PUBLISH) if call.status == 200]
            view = await self.simulator.slack.home(user)
            return json.dumps(view.content, ensure_ascii=False) if view and len(calls) >= times else ""

        return await self.simulator.until(published, what=f"home published {times} times")

    async def told(self, user: str, count: int) -> list[str]:
        """The first `count` things a person was told."""

        async def enough() -> list[str]:
            said = [message.text for message in await self.whispers(user)]
            return said if len(said) >= count else []

        return await self.simulator.until(enough, what=f"{count} whispers")


@asynccontextmanager
async def running_city(
    database: PodDatabase, bootstrap: str, folder: Path, proxy: str | None = None
) -> AsyncIterator[SlackCity]:
    """The pod, ready, with everything around it."""
    manifest = load_manifest(SERVICE / "service.yaml")
    await create_topics(bootstrap, registered_topics(TOPICS))
    await announce_pods(bootstrap, [manifest, IDENTITY, LAMPS])
    address = f"127.0.0.1:{next_free(23_500)}"  # no port that a client may get meanwhile
    places = {
        f"simulator_slack_{each}": f"http://{address}/slack/{each}" for each in ("events", "interactivity", "commands")
    }
    config = Config(simulator_slack_retry_delays=(0.3,) * 5).model_copy(update=places)
    staff_list, people, lamps = FakeIdentity(config.slack_team_id), FakePeople(), FakeLamps()  # type: ignore[abstract]
    async with running(config) as simulator, LocalRelease(folder) as release:
        for user in (OFFICER, STRANGER, RESIDENT):
            await simulator.slack.add_user(user, user.lower())
        await release.serve(IDENTITY, add_StaffServiceServicer_to_server, staff_list)
        await release.serve(IDENTITY, add_IdentityServiceServicer_to_server, people)
        await release.serve(LAMPS, add_DialogueServiceServicer_to_server, lamps)
        await release.install(manifest)
        slack = {
            "machi_http_address": address,
            "platform_proxy": proxy,
            "slack_api_url": simulator.slack_api_url,
            "slack_signing_secret": SecretStr(config.slack_signing_secret),
            "slack_flood_cards": 12,
            "slack_bot_token": SecretStr(config.slack_bot_token),
            "slack_team_id": config.slack_team_id,
        }
        settings = release.settings("channel-slack", database.url, bootstrap).model_copy(update=slack)
        async with running_pod(assemble, settings, manifest) as pod:
            yield SlackCity(simulator, staff_list, people, lamps, pod, bootstrap)
