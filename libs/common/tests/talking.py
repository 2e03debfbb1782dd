"""A toy conversation, and a person in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.dialogue import (
    Accept,
    Answers,
    Change,
    Choices,
    Confirm,
    DialogueKit,
    Json,
    Opt,
    PhotoQ,
    Question,
    Reject,
    Reply,
    TurnContext,
    WordsQ,
)
from machi_sdk.errors import Conflict
from machi_sdk.ids import new_id
from machi_sdk.messages import text as say
from machi_sdk.work import Work, Works

KINDS = (Opt("road", "Road"), Opt("light", "Lamp"), Opt("none", "なし"))
NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, $3)"


@dataclass
class Tell:
    """kind → photo (optional) → words → sure?"""

    command: str = "tell"
    meanwhile: Callable[[], None] | None = None
    asked: tuple[Question, ...] = (
        Question("kind", "What kind?", Choices(KINDS)),
        Question("photo", "A photo?", PhotoQ(), optional=True),
        Question("words", "Tell us", WordsQ(1, 100)),
        Question(
            "sure",
            "Shall we?",
            Confirm("Yes, please", "No, thanks", "Change it"),
            about="A hole",
            changes=(Change("Kind", ("kind", "photo")), Change("Words", ("words",))),
        ),
    )
    settled: list[str] = field(default_factory=list)

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        if arguments.get("closed"):
            return Reply((say("closed"),))
        begun, typed = Answers({"from": turn.channel}), arguments.get("text", "")
        is_kind = typed in {option.option_id for option in KINDS}
        return begun.answered("kind", typed, turn.event_id) if is_kind else begun

    def ask(self, answers: Answers, language: str) -> Question | None:
        return next((question for question in self.asked if question.key not in answers), None)

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        self.settled.append(key)
        if value == "nonsense":
            return Reject((say("not that"),), keep={"warned": True})
        return Accept(value)

    async def finish(self, work: Work, turn: TurnContext, answers: Answers) -> Reply:
        if answers.text("words") == "clash":
            raise Conflict("taken")
        await work.db.execute(NOTE, turn.tenant, turn.event_id, answers.text("words"))
        return Reply((say("filed"),))


@dataclass
class Talk:
    """A person in conversation with the toy pod."""

    kit: DialogueKit[Work]
    citizen: str = field(default_factory=new_id)
    former_ids: tuple[str, ...] = ()
    language: str = "en"
    session: str = ""
    last: wire.TurnResponse = field(default_factory=wire.TurnResponse)

    def request(self, event_id: str = "") -> wire.TurnRequest:
        return wire.TurnRequest(
            event_id=event_id or new_id(),
            citizen_id=self.citizen,
            former_ids=self.former_ids,
            channel="line",
            language=self.language,
            session_id=self.session,
        )

    async def send(self, request: wire.TurnRequest) -> wire.TurnResponse:
        self.last = await self.kit.turn(request, "fukuoka")
        ended = self.last.session_state == wire.SESSION_STATE_ENDED
        self.session = "" if ended else self.last.session_id or self.session
        return self.last

    async def open(self, event_id: str = "", **arguments: str) -> wire.TurnResponse:
        request = self.request(event_id)
        request.open.CopyFrom(wire.Open(command="tell", arguments=arguments))
        return await self.send(request)

    async def type(self, words: str, event_id: str = "") -> wire.TurnResponse:
        request = self.request(event_id)
        request.text.text = words
        return await self.send(request)

    async def choose(self, option: str, ask_id: str = "") -> wire.TurnResponse:
        request = self.request()
        request.choice.CopyFrom(wire.Choice(ask_id=ask_id or self.last.ask.ask_id, option_ids=[option]))
        return await self.send(request)

    async def photo(self, media_id: str) -> wire.TurnResponse:
        request = self.request()
        request.photo.media_id = media_id
        return await self.send(request)

    async def control(self, kind: "wire.ControlKind.ValueType") -> wire.TurnResponse:
        request = self.request()
        request.control.CopyFrom(wire.Control(ask_id=self.last.ask.ask_id, kind=kind))
        return await self.send(request)

    async def unsend(self, event_id: str) -> wire.TurnResponse:
        request = self.request()
        request.retract.event_id = event_id
        return await self.send(request)

    async def until(self, key: str) -> wire.TurnResponse:
        """Answer well until that question is asked."""
        await self.open()
        answers = {"kind": "1", "photo": "skip", "words": "a hole"}
        while self.last.ask.key != key:
            await self.type(answers[self.last.ask.key])
        return self.last

    @property
    def said(self) -> list[str]:
        return [message.text.text for message in self.last.messages]


async def stored(works: Works[Work]) -> str:
    """All that is stored of conversations."""
    async with works.begin("fukuoka") as work:
        rows = await work.db.fetch("SELECT answers::text FROM dialogue_sessions ORDER BY session_id")
    return "\n".join(row[0] for row in rows)


async def filed(works: Works[Work]) -> list[str]:
    async with works.begin("fukuoka") as work:
        return [row[0] for row in await work.db.fetch("SELECT author FROM notes")]
