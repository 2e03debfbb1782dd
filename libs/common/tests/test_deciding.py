import pytest

from machi.channel.v1.events_pb2 import (
    Followed,
    InboundEvent,
    MediaSent,
    OtherSent,
    PlaceSent,
    Pressed,
    TextSent,
    Unfollowed,
)
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.conversation import InstalledOpenings, decide
from machi_sdk.conversation.press import (
    ChoicePress,
    CommandPress,
    ControlPress,
    MomentPress,
    Press,
    TogglePress,
    encode,
)
from machi_sdk.errors import Unavailable
from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import Manifest

IDENTITY = Manifest.model_validate(
    {
        "name": "identity",
        "version": "1",
        "owner": "test",
        "dialogues": [
            {"command": "welcome", "role": "greeting", "titles": {"ja": "はじめに"}},
            {"command": "help", "role": "fallback", "titles": {"ja": "使い方"}, "keywords": {"ja": ["ヘルプ"]}},
            {
                "command": "link",
                "titles": {"ja": "連携"},
                "keywords": {"ja": ["連携"], "en": ["link"]},
                "argument": "(?<![0-9a-z])[0-9a-z]{4}-?[0-9a-z]{4}",
            },
        ],
    }
)
REPORTS = Manifest.model_validate(
    {
        "name": "reports",
        "version": "1",
        "owner": "test",
        "dialogues": [
            {"command": "report", "titles": {"ja": "通報"}, "keywords": {"ja": ["通報"], "en": ["report"]}},
            {
                "command": "cases",
                "titles": {"ja": "自分の通報"},
                "phrase": "[a-z]{2}-[0-9]{4}",
                "within": "fk-[0-9]{4}",
            },
            {"command": "triage", "who": "staff", "titles": {"ja": "処理"}, "keywords": {"ja": ["処理"]}},
        ],
    }
)


@pytest.fixture
async def openings() -> InstalledOpenings:
    pods = InstalledPods()
    await pods.put(IDENTITY)
    await pods.put(REPORTS)
    return InstalledOpenings(pods)


def opened(pod: str, command: str, **arguments: str) -> tuple[str, wire.TurnRequest]:
    return pod, wire.TurnRequest(open=wire.Open(command=command, arguments=arguments))


def pressed(press: Press, **picked: str) -> InboundEvent:
    return InboundEvent(pressed=Pressed(data=encode(press), date=picked.get("date", "")))


FALLBACK = opened("identity", "help")
CASES = [
    (InboundEvent(followed=Followed()), "", opened("identity", "welcome")),
    (InboundEvent(text=TextSent(text=" ＲＥＰＯＲＴ ")), "", opened("reports", "report", text=" ＲＥＰＯＲＴ ")),
    (InboundEvent(text=TextSent(text="通報")), "identity", opened("reports", "report", text="通報")),
    (InboundEvent(text=TextSent(text="穴")), "reports", ("reports", wire.TurnRequest(text=wire.TextInput(text="穴")))),
    (
        InboundEvent(text=TextSent(text="ヘルプ")),
        "reports",
        ("reports", wire.TurnRequest(text=wire.TextInput(text="ヘルプ"))),
    ),
    (InboundEvent(text=TextSent(text="ヘルプ")), "", opened("identity", "help", text="ヘルプ")),
    (InboundEvent(text=TextSent(text="穴")), "", opened("identity", "help", text="穴")),
    (InboundEvent(text=TextSent(text="処理")), "", opened("identity", "help", text="処理")),
    (
        InboundEvent(place=PlaceSent(latitude=33.5, longitude=130.4, title="天神")),
        "reports",
        ("reports", wire.TurnRequest(place=wire.Place(latitude=33.5, longitude=130.4, title="天神"))),
    ),
    (
        InboundEvent(event_id="e-1", place=PlaceSent(latitude=33.5, longitude=130.4, title="家", address="天神" * 30)),
        "",
        opened(
            "identity",
            "help",
            sent="place",
            latitude="33.500000",
            longitude="130.400000",
            sent_in="e-1",
            place="家 " + "天神" * 29,
        ),
    ),
    (InboundEvent(media=MediaSent(content_id="1")), "", opened("identity", "help", sent="photo")),
    (InboundEvent(other=OtherSent(kind="audio")), "", opened("identity", "help", sent="audio")),
    (
        InboundEvent(other=OtherSent(kind="sticker")),
        "reports",
        ("reports", wire.TurnRequest(unsupported=wire.Unsupported(kind="sticker"))),
    ),
    (pressed(CommandPress("reports", "report", {"case": "7"})), "", opened("reports", "report", case="7")),
    (pressed(CommandPress("gone", "report")), "", FALLBACK),
    (
        pressed(ChoicePress("a", ("x", "y"))),
        "reports",
        ("reports", wire.TurnRequest(choice=wire.Choice(ask_id="a", option_ids=["x", "y"]))),
    ),
    (pressed(ChoicePress("a", ("x",))), "", opened("identity", "help", sent="old-button")),
    (pressed(TogglePress("a", ("x",))), "reports", ("reports", wire.TurnRequest(resume=wire.Resume()))),
    (
        pressed(MomentPress("a"), date="2026-12-01"),
        "reports",
        ("reports", wire.TurnRequest(moment=wire.Moment(ask_id="a", date="2026-12-01"))),
    ),
    (
        pressed(ControlPress("a", "back")),
        "reports",
        ("reports", wire.TurnRequest(control=wire.Control(ask_id="a", kind=wire.CONTROL_KIND_BACK))),
    ),
    (InboundEvent(pressed=Pressed(data="action=buy")), "reports", FALLBACK),
]


WITH_CODE = ["連携 ABCD-2346", "連携ＡＢＣＤ２３４６", "Link: abcd2346。", "ＬＩＮＫ　abcd-2346"]
WITHOUT = ["linkabcd2346", "link", "please link abcd-2346", "link abcd-234", "abcd-2346", "linked up with the road"]


@pytest.mark.parametrize("typed", WITH_CODE)
def test_a_keyword_takes_its_argument_along(typed: str, openings: InstalledOpenings) -> None:
    step = decide(InboundEvent(text=TextSent(text=typed)), "reports", openings)
    assert step is not None
    argument = step.request.open.arguments["argument"]
    assert (step.pod, step.request) == opened("identity", "link", text=typed, argument=argument)
    assert argument.replace("-", "") == "abcd2346"


@pytest.mark.parametrize("typed", WITHOUT)
def test_other_words_behind_a_keyword_are_words(typed: str, openings: InstalledOpenings) -> None:
    step = decide(InboundEvent(text=TextSent(text=typed)), "reports", openings)
    assert step is not None
    assert step.opens == (typed == "link")


@pytest.mark.parametrize(("event", "focused", "expected"), CASES)
def test_who_gets_what(
    event: InboundEvent, focused: str, expected: tuple[str, wire.TurnRequest], openings: InstalledOpenings
) -> None:
    step = decide(event, focused, openings)
    assert step is not None
    assert (step.pod, step.request) == expected


async def test_a_pod_whose_patterns_fit_nowhere_takes_away_no_other_pods_words() -> None:
    pods = InstalledPods()
    flagged = tuple(entry.model_copy(update={"within": "(?i)lamp"}) for entry in REPORTS.dialogues)
    await pods.put(REPORTS.model_copy(update={"name": "aaa", "dialogues": flagged}))
    await pods.put(IDENTITY)
    openings = InstalledOpenings(pods)
    for _ in range(2):
        step = decide(InboundEvent(text=TextSent(text="連携 ABCD-2346")), "", openings)
        assert step is not None
        assert (step.pod, step.request.open.command) == ("identity", "link")


def test_what_stands_far_behind_in_a_long_text_opens_nothing(openings: InstalledOpenings) -> None:
    typed = "FK-1234"
    found = [openings.by_phrase(f"{'a ' * before}{typed}") is not None for before in (0, 200, 300)]
    assert found == [True, True, False]


def test_an_unfollow_asks_nobody(openings: InstalledOpenings) -> None:
    assert decide(InboundEvent(unfollowed=Unfollowed()), "reports", openings) is None


def test_before_any_pod_is_installed_events_wait() -> None:
    with pytest.raises(Unavailable):
        decide(InboundEvent(text=TextSent(text="通報")), "", InstalledOpenings(InstalledPods()))


async def test_a_phrase_opens_its_dialogue_for_who_is_in_none(openings: InstalledOpenings) -> None:
    event = InboundEvent(text=TextSent(text="FK-1234。"))
    step = decide(event, "", openings)
    assert step is not None
    assert (step.pod, step.request) == opened("reports", "cases", text="FK-1234。")
    focused = decide(event, "reports", openings)
    assert focused is not None
    assert focused.request.text.text == "FK-1234。", "in a dialogue it is an answer"


@pytest.mark.parametrize("words", ["How is FK-1234?", "「ＦＫ－１２３４」はどうなりましたか", "fk\u200b-1234です"])
async def test_what_stands_among_other_words_opens_its_dialogue(openings: InstalledOpenings, words: str) -> None:
    step = decide(InboundEvent(text=TextSent(text=words)), "", openings)
    assert step is not None
    assert (step.pod, step.request) == opened("reports", "cases", text="fk-1234")


@pytest.mark.parametrize("words", ["xfk-1234", "fk-12345", "fk-123"])
async def test_a_part_of_a_longer_word_is_not_meant(openings: InstalledOpenings, words: str) -> None:
    step = decide(InboundEvent(text=TextSent(text=words)), "", openings)
    assert step is not None
    assert step.pod == "identity"


async def test_nobody_is_led_by_some_of_the_manifests() -> None:
    pods = InstalledPods()
    await pods.put(IDENTITY)
    openings = InstalledOpenings(pods)
    with pytest.raises(Unavailable, match="manifests-not-read"):
        openings.require()
    pods.read_whole = True
    openings.require()
