"""Cards, forms, and conversations in every language, as a pod would give them."""

from datetime import UTC, datetime
from pathlib import Path

from machi.dialogue.v1 import messages_pb2 as neutral
from machi.dialogue.v1.desk_card_pb2 import (
    ACTION_STYLE_DANGER,
    ACTION_STYLE_PRIMARY,
    THREAD_AUTHOR_RESIDENT,
    BoardSection,
    CardAction,
    ChoiceField,
    DeskCard,
    Form,
    FormField,
    ThreadEntry,
    WordsField,
)
from machi.dialogue.v1.messages_pb2 import Fact, Link, Option
from machi_channel_slack.domain.digests import DigestKey, DigestKind, DigestLine, DigestState, LineText
from machi_sdk.texts import Texts
from machi_tools.stack.plan import TENANT, offered_languages

CASES = Texts(Path(__file__).parents[2] / "reports" / "src" / "machi_reports" / "texts")
KEYS = (
    *("report.number", "pod", "state.filed", "fact.place", "desk.words"),
    *("action.acknowledge", "action.resolve", "action.handover", "form.needed"),
)
SAID = {tag: tuple(CASES.say(tag, key, most="2,000") for key in KEYS) for tag in offered_languages(TENANT)}
WORDS = "街灯が <b>切れて</b> います & *暗い* :moon: <!channel>\n二行目 `code` https://example.org"


def asks(language: str) -> dict[str, neutral.Ask]:
    """One question of each kind."""
    number, title, status, place, label, begin, end, hand, _ = SAID[language]
    few = [Option(option_id=f"o{at}", label=each) for at, each in enumerate((begin, end, hand))]
    many = [Option(option_id=f"m{at}", label=f"{title} {at}", description=place) for at in range(40)]
    controls = [Option(option_id=name, label=name) for name in ("skip", "back", "cancel", "help")]
    yes, change, no = (
        Option(option_id=name, label=each) for name, each in (("yes", begin), ("change", hand), ("no", end))
    )
    confirm = neutral.ConfirmAsk(yes=yes, change=change, no=no)
    kinds = {
        "choice": neutral.Ask(choice=neutral.ChoiceAsk(options=few)),
        "multi_choice": neutral.Ask(multi_choice=neutral.MultiChoiceAsk(options=few, minimum=1, maximum=3)),
        "confirm": neutral.Ask(confirm=confirm),
        "photo": neutral.Ask(photo=neutral.PhotoAsk(maximum=1), optional=True),
        "place": neutral.Ask(place=neutral.PlaceAsk()),
        "date": neutral.Ask(date=neutral.DateAsk()),
        "time": neutral.Ask(time=neutral.TimeAsk()),
        "number": neutral.Ask(number=neutral.NumberAsk(minimum=1, maximum=5)),
        "words": neutral.Ask(words=neutral.WordsAsk(minimum=1, maximum=2000)),
        "long_choice": neutral.Ask(choice=neutral.ChoiceAsk(options=many)),
    }
    for at, (name, ask) in enumerate(kinds.items()):
        ask.ask_id, ask.key, ask.prompt = f"q{at:011d}", name, f"{label}: {status} <&> *{number}*"
        ask.controls.extend(controls)
    return kinds


def said_kinds(language: str) -> list[neutral.Message]:
    """One message of each kind."""
    number, title, status, place, label, begin, *_ = SAID[language]
    command = neutral.Command(pod="lamps", command="lamp", arguments={"case": "c-1"})
    buttons = [neutral.Button(label=begin, command=command), neutral.Button(label=place, uri="https://example.org/m")]
    facts = [Fact(label=place, value="天神 1-1 <&> *x*"), Fact(label=label, value=status)]
    one = neutral.InfoCard(title=title, body=WORDS, facts=facts, buttons=buttons)
    receipt = neutral.Receipt(title=title, label=number, number="ABC-234-5", facts=facts, note=status, buttons=buttons)
    return [
        neutral.Message(text=neutral.Text(text=WORDS)),
        neutral.Message(card=one),
        neutral.Message(carousel=neutral.Carousel(cards=[one, one])),
        neutral.Message(map_pin=neutral.MapPin(title=title, address=place, latitude=33.59, longitude=130.42)),
        neutral.Message(receipt=receipt),
        neutral.Message(link=neutral.Link(text=status, label=begin, uri="tel:092-000-0000")),
    ]


def form(language: str) -> Form:
    """Words, and a desk to choose."""
    *_, label, title, needed = SAID[language]
    options = [Option(option_id="parks", label="parks"), Option(option_id="water", label="water")]
    words = WordsField(minimum=1, maximum=2000, multiline=True)
    return Form(
        title=title,
        submit_label=label,
        close_label="×",
        fields=[
            FormField(
                field_id="words",
                label=label,
                error=needed,
                words=words,
            ),
            FormField(field_id="desk", label=title, optional=True, choice=ChoiceField(options=options)),
        ],
    )


def card(language: str = "ja", version: int = 1, words: str = WORDS) -> DeskCard:
    """A whole card."""
    number, title, status, place, label, begin, end, hand, _ = SAID[language]
    found = DeskCard(
        card_id="card-1",
        desk_id="lighting",
        version=version,
        title=title,
        number_label=number,
        number="ABC-234-5",
        status=status,
        opened_ago="3分前 <&>",
        facts=[Fact(label=place, value="天神 1-1 <&> *x*"), Fact(label=place, value="中央区")],
        words_label=label,
        words=words,
        map_link=Link(label="地図", uri="https://example.org/map?q=33.5,130.4"),
        actions=[
            CardAction(action_id="acknowledge", label=begin, style=ACTION_STYLE_PRIMARY),
            CardAction(action_id="resolve", label=end, form=form(language)),
            CardAction(action_id="reject", label=hand, style=ACTION_STYLE_DANGER, form=form(language)),
            CardAction(action_id="later", label=place, secondary=True),
            CardAction(action_id="note", label=label, form=form(language), secondary=True),
        ],
        note="note <&>",
    )
    found.opened_at.FromDatetime(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    return found


def board(language: str = "ja", lines: int = 3, total: int = 5) -> BoardSection:
    """Some cards in a line each."""
    _, title, status, place, label, *_ = SAID[language]
    found = BoardSection(section_id="mine", title=label, total=total)
    for at in range(lines):
        line = found.lines.add(card_id=f"card-{at + 1}", desk_id="lighting", number=f"ABC-234-{at}")
        line.title, line.detail, line.opened_ago = f"{title} <&>", f"*{place}*", "3分前 <&>"
        line.note = status if not at else ""
        line.opened_at.FromDatetime(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    return found


def moved(language: str = "ja", version: int = 9) -> DeskCard:
    """What is left at a desk that handed the case over."""
    number, title, status, *_ = SAID[language]
    return DeskCard(
        card_id="card-1",
        desk_id="lighting",
        version=version,
        title=title,
        number_label=number,
        number="ABC-234-5",
        status=f"{status} → parks",
        moved=True,
    )


def digest(language: str, kind: DigestKind = DigestKind.FLOOD, more: int = 0) -> tuple[DigestState, list[DigestLine]]:
    """A list: a line to open, one whose card stands elsewhere, one that is no longer the desk's."""
    _, title, _, place, *_ = SAID[language]
    at = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    text = LineText("ABC-234-5", f"{title} <&>  |  {place}", at, "3分前 <&>")
    state = DigestState(DigestKey("fukuoka", "digest-1"), "lighting", "", "", None, kind, more, 1, 0, 0)
    link = "https://example.org/archives/C1/p1"
    return state, [
        DigestLine("card-1", "lamps", held=True, is_due=False, channel_id="", ts="", link="", text=text),
        DigestLine("card-2", "lamps", held=False, is_due=False, channel_id="C1", ts="1.0", link=link, text=text),
        DigestLine("card-3", "lamps", held=False, is_due=False, channel_id="", ts="", link="", text=text),
    ]


def entry(entry_id: str = "e-1", text: str = WORDS, author: str = "市民") -> ThreadEntry:
    """Something said about the case."""
    return ThreadEntry(entry_id=entry_id, author=THREAD_AUTHOR_RESIDENT, author_label=author, text=text)
