"""What a person reads and presses, turn by turn, over real gRPC and PostgreSQL."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import grpc
import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1 import staff_service_pb2 as staff
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceStub
from machi.pods.v1 import pod_registry_service_pb2 as pods
from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceStub
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import Decision, Status
from machi_identity.use_cases.decide_consent import decide_consent
from machi_identity.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.conversation.press import CommandPress, encode
from machi_sdk.ids import new_id
from machi_sdk.manifest import parse_manifest
from machi_sdk.rpc import for_tenant
from machi_sdk.service import Pod
from machi_sdk.texts import pick
from machi_sdk.work import Works

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub

pytestmark = pytest.mark.integration
ChannelOf = Callable[[str], grpc.aio.Channel]
MANIFEST = (Path(__file__).parent / "reports.yaml").read_text(encoding="utf-8")
PURPOSE = "reports.case-updates"


class CallOptions(TypedDict):
    timeout: float
    metadata: tuple[tuple[str, str], ...]


HERE: CallOptions = {"timeout": 60.0, "metadata": for_tenant("fukuoka")}
ALL_LANGUAGES = pytest.mark.parametrize("language", TEXTS.languages)


class Person:
    """A citizen at a phone; keeps session and language as an adapter would."""

    def __init__(
        self, stub: "DialogueServiceAsyncStub", citizen_id: str, works: Works[IdentityWork], clock: ManualClock
    ) -> None:
        self.citizen_id = citizen_id
        self.language = "ja"
        self.session = ""
        self._stub = stub
        self._works = works
        self._clock = clock

    async def opens(self, command: str, **arguments: str) -> wire.TurnResponse:
        return await self._turn(wire.TurnRequest(open=wire.Open(command=command, arguments=arguments)))

    async def presses(self, asked: wire.TurnResponse, option: str) -> wire.TurnResponse:
        return await self._turn(wire.TurnRequest(choice=wire.Choice(ask_id=asked.ask.ask_id, option_ids=[option])))

    async def types(self, words: str) -> wire.TurnResponse:
        return await self._turn(wire.TurnRequest(text=wire.TextInput(text=words)))

    async def resumes(self) -> wire.TurnResponse:
        return await self._turn(wire.TurnRequest(resume=wire.Resume()))

    async def _turn(self, request: wire.TurnRequest) -> wire.TurnResponse:
        request.event_id = new_id()
        request.citizen_id, request.channel, request.language = self.citizen_id, "line", self.language
        request.session_id = self.session
        response = await self._stub.Turn(request, **HERE)
        assert await self._stub.Turn(request, **HERE) == response
        self.session = response.session_id if response.session_state == wire.SESSION_STATE_OPEN else ""
        self.language = response.language or self.language
        return response

    async def gives_consent(self) -> None:
        async with self._works.begin("fukuoka") as work:
            decision = Decision(new_id(), self.citizen_id, PURPOSE, 1, Status.GIVEN, "line")
            await decide_consent(decision, work, self._clock)

    async def status(self) -> Status:
        async with self._works.begin("fukuoka") as work:
            standing = await work.consents.standing(self.citizen_id, PURPOSE)
        assert standing is not None
        return standing.status


@pytest.fixture
async def person(channel_of: ChannelOf, pod: Pod, works: Works[IdentityWork], clock: ManualClock) -> Person:
    registry, directory = PodRegistryServiceStub(channel_of("operator")), StaffServiceStub(channel_of("operator"))
    await registry.InstallPod(pods.InstallPodRequest(manifest_yaml=MANIFEST), **HERE)
    city = staff.PutTenantRequest(
        tenant_id="fukuoka",
        names={"ja": "福岡市", "en": "Fukuoka City"},
        default_language="ja",
        time_zone="Asia/Tokyo",
        languages=["ja", "en", "ja-Hira", "zh-Hant"],
    )
    await directory.PutTenant(city, **HERE)
    await pod.installed.put(parse_manifest(MANIFEST))
    await pod.installed.put(pod.manifest)
    line = channel_of("channel-line")
    request = identity.ResolveRequest(channel="line", address="U1")
    found = await IdentityServiceStub(line).Resolve(request, **HERE)
    return Person(DialogueServiceStub(line), found.citizen_id, works, clock)


def words(response: wire.TurnResponse) -> str:
    return "\n".join(m.text.text or f"{m.card.title}\n{m.card.body}" for m in response.messages)


def buttons(response: wire.TurnResponse) -> list[tuple[str, str, str]]:
    found = [button for message in response.messages for button in message.card.buttons]
    return [(button.label, button.command.pod, button.command.command) for button in found]


async def test_the_greeting_asks_for_the_language_and_then_shows_the_menu(person: Person) -> None:
    greeted = await person.opens("welcome")
    assert "福岡市" in greeted.ask.prompt
    assert "Please choose your language." in greeted.ask.prompt
    assert [option.label for option in greeted.ask.choice.options] == [
        "日本語",
        "English",
        "やさしい日本語",
        "繁體中文",
    ]
    chosen = await person.presses(greeted, "en")
    assert (chosen.language, chosen.session_state) == ("en", wire.SESSION_STATE_ENDED)
    assert TEXTS.say("en", "language.done") in words(chosen)
    assert buttons(chosen) == [
        ("Report a problem", "reports", "report"),
        ("Language", "identity", "language"),
        ("Link another app", "identity", "link"),
        ("Stop messages", "identity", "privacy"),
    ]


async def test_who_comes_back_is_greeted_and_not_asked_for_the_language_again(person: Person) -> None:
    person.language = "en"
    greeted = await person.opens("welcome", language="en")
    assert (greeted.session_state, greeted.HasField("ask")) == (wire.SESSION_STATE_UNSPECIFIED, False)
    assert words(greeted).startswith(TEXTS.say("en", "welcome.greeting", city="Fukuoka City"))
    assert ("Report a problem", "reports", "report") in buttons(greeted)


async def test_a_place_that_was_sent_goes_on_with_the_buttons(person: Person) -> None:
    where = {"latitude": "33.5", "longitude": "130.4", "place": "天神", "sent_in": "e-1"}
    answer = await person.opens("help", sent="place", **where)
    told = [dict(button.command.arguments) for message in answer.messages for button in message.card.buttons]
    assert told
    assert all(arguments == where for arguments in told)


async def test_the_greeting_understands_a_typed_language(person: Person) -> None:
    await person.opens("welcome")
    assert (await person.types("やさしい日本語")).language == "ja-Hira"


async def test_a_language_chosen_beside_the_greeting_settles_the_greeting(person: Person) -> None:
    await person.opens("welcome")
    greeting = person.session
    assert (await person.opens("language", text="English")).language == "en"
    person.session = greeting
    resumed = await person.resumes()
    assert (resumed.HasField("ask"), resumed.session_state) == (False, wire.SESSION_STATE_ENDED)


@pytest.mark.parametrize(
    ("arguments", "language"),
    [({"language": "zh-Hant"}, "zh-Hant"), ({"text": "English"}, "en"), ({"text": "中文"}, "zh-Hant")],
)
async def test_a_named_language_is_set_at_once(person: Person, arguments: dict[str, str], language: str) -> None:
    done = await person.opens("language", **arguments)
    assert (done.language, done.session_state) == (language, wire.SESSION_STATE_ENDED)
    assert TEXTS.say(language, "language.done") in words(done)


async def test_without_a_name_the_language_is_asked(person: Person) -> None:
    asked = await person.opens("language", text="言語")
    assert asked.session_state == wire.SESSION_STATE_OPEN
    assert not asked.language
    assert (await person.presses(asked, "zh-Hant")).language == "zh-Hant"


async def test_the_chosen_language_stays(person: Person, channel_of: ChannelOf) -> None:
    await person.opens("language", language="en")
    request = identity.ResolveRequest(channel="line", address="U1")
    found = await IdentityServiceStub(channel_of("channel-line")).Resolve(request, **HERE)
    assert (found.language, found.language_chosen) == ("en", True)


@pytest.mark.parametrize("typed", ["道に穴があいている", "a POTHOLE on the road"])
async def test_unknown_words_find_the_likeliest_service_and_travel_with_its_button(person: Person, typed: str) -> None:
    (message,) = (await person.opens("help", text=typed)).messages
    assert message.card.title == TEXTS.say("ja", "help.likely-title")
    button, other = message.card.buttons
    assert (other.command.command, dict(other.command.arguments)) == ("help", {})
    assert (button.command.pod, button.command.command) == ("reports", "report")
    assert dict(button.command.arguments) == {"text": typed}


@pytest.mark.parametrize("long", ["a long story about my street " * 20, "長い話です。" * 80, '"' * 500])
async def test_of_a_long_text_the_services_own_words_travel_along(person: Person, long: str) -> None:
    (message,) = (await person.opens("help", text=f"{long}, and then a pothole")).messages
    said = message.card.buttons[0].command.arguments["text"]
    assert said.startswith(long[:15])
    assert said.endswith(" pothole")
    assert len(encode(CommandPress("p" * 40, "c" * 20, {"text": said}))) <= 300


@pytest.mark.parametrize("typed", ["pavement", "tree gate"])
async def test_a_word_that_could_be_a_code_finds_its_service_first(person: Person, pod: Pod, typed: str) -> None:
    manifest = parse_manifest(MANIFEST.replace("en: [pothole, road]", "en: [pavement, tree]"))
    await pod.installed.put(manifest)
    (message,) = (await person.opens("help", text=typed)).messages
    assert message.card.buttons[0].command.command == "report"
    (message,) = (await person.opens("help", text="PAVE-MEN7")).messages
    assert message.card.buttons[0].command.command == "link"
    (message,) = (await person.opens("help", text="arranged")).messages
    assert message.card.buttons[0].command.command == "link", "nothing else is likely"


async def test_a_word_within_another_names_no_service(person: Person) -> None:
    said = str((await person.opens("help", text="a delightful broadcast")).messages)
    assert TEXTS.say("ja", "help.likely-title") not in said


@pytest.mark.parametrize("sent", ["sticker", "photo", "audio", "video", "file", "place", "old-button"])
@ALL_LANGUAGES
async def test_what_is_sent_out_of_the_blue_gets_a_kind_word(person: Person, language: str, sent: str) -> None:
    person.language = language
    answer = await person.opens("help", sent=sent)
    assert answer.messages[0].text.text == TEXTS.say(language, f"help.sent-{sent}")
    assert buttons(answer)


@pytest.mark.parametrize(
    ("language", "again"),
    [
        ("ja", "もう一度送って"),
        ("ja-Hira", "もういちど おくって"),
        ("en", "send it again"),
        ("ko", "다시 보내"),
        ("zh-Hans", "再发送一次"),
        ("zh-Hant", "再傳送一次"),
    ],
)
async def test_who_sends_a_photo_out_of_the_blue_hears_that_it_is_not_kept(
    person: Person, language: str, again: str
) -> None:
    person.language = language
    assert again in (await person.opens("help", sent="photo")).messages[0].text.text


@pytest.mark.parametrize("typed", ["Thank you!", "ありがとうございました。", "助かりました", "谢谢"])
async def test_who_thanks_gets_a_kind_word_and_no_menu(person: Person, typed: str) -> None:
    (message,) = (await person.opens("help", text=typed)).messages
    assert message.text.text == TEXTS.say("ja", "help.thanks")


async def test_thanks_with_a_matter_are_about_the_matter(person: Person) -> None:
    (message,) = (await person.opens("help", text="thanks, but the pothole is back")).messages
    assert message.card.title == TEXTS.say("ja", "help.likely-title")


@pytest.mark.parametrize(
    "typed",
    [
        "ありがとう。でもまだ直っていません",
        "ありがとう ございます。まだ なおって いません",
        "Thanks, but it is still not fixed",
        "謝謝，但是還沒修好",
        "감사합니다만 아직 그대로예요",
        "谢谢，但是还没修好",
    ],
)
async def test_who_thanks_and_says_that_nothing_is_done_sees_the_menu(person: Person, typed: str) -> None:
    answer = await person.opens("help", text=typed)
    assert answer.messages[0].text.text == TEXTS.say("ja", "help.body")
    assert buttons(answer)


@ALL_LANGUAGES
async def test_help_is_kind_and_shows_the_menu(person: Person, language: str) -> None:
    person.language = language
    helped = await person.opens("help", text="???")
    assert helped.session_state == wire.SESSION_STATE_UNSPECIFIED
    assert TEXTS.say(language, "help.body") in words(helped)
    assert pick(parse_manifest(MANIFEST).dialogues[0].titles, language) in {label for label, _, _ in buttons(helped)}


@ALL_LANGUAGES
async def test_stopping_says_what_stops_and_how_to_undo_it(person: Person, language: str) -> None:
    person.language = language
    await person.gives_consent()
    stopped = await person.opens("privacy")
    assert await person.status() is Status.WITHDRAWN
    assert pick(parse_manifest(MANIFEST).purposes[0].title, language) in words(stopped)
    assert TEXTS.say(language, "privacy.turn_on") in words(stopped)
    assert buttons(stopped) == [(TEXTS.say(language, "privacy.button"), "identity", "messages")]
    again = await person.opens("privacy")
    assert TEXTS.say(language, "privacy.already") in words(again)
    assert await person.status() is Status.WITHDRAWN


@ALL_LANGUAGES
async def test_messages_are_turned_on_with_the_benefit_first(person: Person, language: str) -> None:
    person.language = language
    asked = await person.opens("messages")
    notice = parse_manifest(MANIFEST).purposes[0]
    assert asked.ask.prompt.startswith(pick(notice.benefit, language))
    assert pick(notice.text, language) in asked.ask.prompt
    done = await person.presses(asked, "yes")
    assert pick(notice.title, language) in words(done)
    assert await person.status() is Status.GIVEN
    already = await person.opens("messages")
    assert TEXTS.say(language, "messages.already") in words(already)


async def test_a_no_to_messages_is_kept(person: Person) -> None:
    asked = await person.opens("messages")
    assert TEXTS.say("ja", "messages.kept_off") in words(await person.presses(asked, "no"))
    assert await person.status() is Status.REFUSED


async def test_cancelling_decides_nothing(person: Person) -> None:
    await person.opens("messages")
    await person.types("やめる")
    assert await person.status() is Status.UNKNOWN


async def test_agreement_to_a_notice_that_changed_meanwhile_does_not_count(
    person: Person, channel_of: ChannelOf
) -> None:
    asked = await person.opens("messages")
    newer = MANIFEST.replace("version: 1", "version: 2")
    registry = PodRegistryServiceStub(channel_of("operator"))
    await registry.InstallPod(pods.InstallPodRequest(manifest_yaml=newer), **HERE)
    answered = await person.presses(asked, "yes")
    assert TEXTS.say("ja", "messages.notice_changed") in words(answered)
    assert await person.status() is Status.UNKNOWN
    assert (await person.presses(await person.opens("messages"), "no")).session_state == wire.SESSION_STATE_ENDED


async def test_who_stops_messages_leaves_nothing_half_agreed_to_behind(person: Person, channel_of: ChannelOf) -> None:
    registry = PodRegistryServiceStub(channel_of("operator"))
    lines = MANIFEST[MANIFEST.index("purposes:") :].replace("reports.", "zoo.")
    await registry.InstallPod(
        pods.InstallPodRequest(manifest_yaml=f"name: zoo\nversion: 0.1.0\nowner: zoo\n{lines}"), **HERE
    )
    second = await person.presses(await person.opens("messages"), "yes")
    assert second.HasField("ask")
    stopped = await person.opens("privacy")
    assert not stopped.HasField("ask")
    await person.presses(second, "no")
    assert await person.status() is Status.REFUSED


async def test_where_one_of_two_notices_changed_meanwhile_neither_agreement_counts(
    person: Person, channel_of: ChannelOf
) -> None:
    registry = PodRegistryServiceStub(channel_of("operator"))
    lines = MANIFEST[MANIFEST.index("purposes:") :].replace("reports.", "zoo.")
    zoo = f"name: zoo\nversion: 0.1.0\nowner: zoo\n{lines}"
    await registry.InstallPod(pods.InstallPodRequest(manifest_yaml=zoo), **HERE)
    asked = await person.presses(await person.opens("messages"), "yes")
    newer = zoo.replace("version: 1", "version: 2")
    await registry.InstallPod(pods.InstallPodRequest(manifest_yaml=newer), **HERE)
    assert TEXTS.say("ja", "messages.notice_changed") in words(await person.presses(asked, "yes"))
    assert await person.status() is Status.UNKNOWN


async def test_no_messages_to_turn_on_is_said(person: Person, channel_of: ChannelOf) -> None:
    registry = PodRegistryServiceStub(channel_of("operator"))
    await registry.UninstallPod(pods.UninstallPodRequest(pod="reports"), **HERE)
    assert TEXTS.say("ja", "messages.none") in words(await person.opens("messages"))
