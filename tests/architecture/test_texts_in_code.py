"""Code holds no words for people and names no language: both are data. Labels are short in every language."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache

import pytest

from machi_channel_line.rendering import limits as line
from machi_channel_slack.rendering import limits as slack
from machi_sdk.language import known
from machi_sdk.texts import Texts
from tests.architecture.house import LANGUAGES, ROOT, Source, called, imports, python_sources, services

# Letters of Japanese, Chinese, and Korean; their punctuation also serves to take typed words apart.
LETTERS = re.compile("[\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fb\u30fd-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
WORD = re.compile(r"[^\W\d_]{2}")
# What puts words before people: by name, which positional arguments are words. Keywords count by their name below.
_FIRST = ("text", "_text", "words", "words_message", "said", "bold", "_plain", "Text", "TextMessage", "FlexText")
_FIRST_TOO = ("receipt", "command_button", "uri_button", "pressed", "web")
_BY_KEYWORD = (
    *("InfoCard", "Receipt", "Link", "MapPin", "Button", "Fact", "Option", "Ask", "DeskCard", "CardAction", "Form"),
    *("FormField", "ThreadEntry", "CardPhoto", "PostbackAction", "URIAction", "MessageAction", "CameraAction"),
    *("CameraRollAction", "LocationAction", "DatetimePickerAction", "LocationMessage", "PlainTextObject"),
    *("HeaderBlock", "SectionBlock", "View", "RichMenuRequest"),
)
TELLS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys((*_FIRST, *_FIRST_TOO), (0,)),
    **dict.fromkeys(("card", "info_card", "Confirm", "link", "map_pin"), (0, 1)),
    **dict.fromkeys(_BY_KEYWORD, ()),
    "Opt": (1, 2),
    "Question": (1,),
}
OWNERS = frozenset({"say", "messages", "rich"})
SHOWN = frozenset(
    (
        *("text", "title", "body", "label", "value", "note", "prompt", "alt_text", "description", "placeholder"),
        *("error", "words", "words_label", "number_label", "status", "author_label", "submit_label", "close_label"),
        *("display_text", "address", "chat_bar_text"),
    )
)
# What becomes a label: by the function that makes it, where it stands, and how long it may be there.
LABELS = {
    "command_button": ((0,), line.QUICK_LABEL),
    "uri_button": ((0,), line.QUICK_LABEL),
    "Opt": ((1,), line.QUICK_LABEL),
    "Confirm": ((0, 1), line.QUICK_LABEL),
    "CardAction": (("label",), line.QUICK_LABEL),
    "Form": (("title", "submit_label", "close_label"), slack.MODAL_LABEL),
    "card": ((0,), slack.HEADER),
    "info_card": ((0,), slack.HEADER),
    "DeskCard": (("title",), slack.HEADER),
}
# What each name stands for, in a function, in the one around it, and in the module.
Scopes = tuple[dict[str, list[ast.expr]], ...]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
# Keys that a computed key could name by its form, and never does.
NOTHING = re.compile(r"(?!)")
SENTENCES = frozenset({"cases.none", "cases.order", "cases.more", "return.about", "return.plain"})


def sources() -> list[Source]:
    """Files that run in a pod."""
    running = [each for each in python_sources() if not each.is_test and "/src/" in each.place]
    return [each for each in running if each.place.startswith(("libs/", "services/", "examples/"))]


def without_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and value of every constant text; docstrings are for those who read code."""
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.lineno, node.value


def words_in_code(tree: ast.Module) -> list[str]:
    """Constants with letters of languages that no identifier is written in."""
    return [f"line {number}: {text}" for number, text in without_docstrings(tree) if LETTERS.search(text)]


def told(tree: ast.Module) -> list[str]:
    """Words written right into what is shown to people, or into what a name there stands for."""
    if any(module.startswith("sqlalchemy") for module, _ in imports(tree)):
        return []  # its `text` is SQL
    return [
        f"line {node.lineno}: {words}"
        for node, scopes in calls_seen(tree)
        if tells(node)
        for argument in shown_by(node)
        for words in literals(argument, scopes)
        if WORD.search(words)
    ]


def calls_seen(owner: ast.AST, outer: Scopes = ()) -> Iterator[tuple[ast.Call, Scopes]]:
    """Every call of a module or function, with what names stand for there, the innermost first."""
    scopes = (bound(owner), *outer)
    for node in own_nodes(owner):
        if isinstance(node, ast.Call):
            yield node, scopes
        if isinstance(node, FUNCTIONS):
            yield from calls_seen(node, scopes)


def own_nodes(owner: ast.AST) -> Iterator[ast.AST]:
    """What stands in a module or function; of a function in it only the node itself."""
    for node in ast.iter_child_nodes(owner):
        yield node
        if not isinstance(node, FUNCTIONS):
            yield from own_nodes(node)


def bound(owner: ast.AST) -> dict[str, list[ast.expr]]:
    """What each name of a module or function may stand for; of a parameter nothing is known."""
    found: dict[str, list[ast.expr]] = {}
    for node in own_nodes(owner):
        match node:
            case ast.arg(arg=name):
                found.setdefault(name, [])
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    bind(found, target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                bind(found, target, value)
            case ast.NamedExpr(target=target, value=value) | ast.AugAssign(target=target, value=value):
                bind(found, target, value)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                bind(found, target, value)
    return found


def bind(found: dict[str, list[ast.expr]], target: ast.expr, value: ast.expr) -> None:
    """Note that a target has a value; of several targets each has its own, or all of them may have it."""
    if isinstance(target, ast.Name):
        found.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple):
        each_its_own = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
        values = value.elts if isinstance(value, ast.Tuple) and each_its_own else [value] * len(target.elts)
        for part, its_own in zip(target.elts, values, strict=True):
            bind(found, part, its_own)


def tells(call: ast.Call) -> bool:
    """Whether a call puts words before people; a method of the same name, such as `answers.text`, does not."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    ours = owner is None or (isinstance(owner, ast.Name) and owner.id in OWNERS)
    return called(call) in TELLS and (ours or called(call)[0].isupper())


def shown_by(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a telling call that people read."""
    yield from (call.args[at] for at in TELLS[called(call)] if at < len(call.args))
    yield from (word.value for word in call.keywords if word.arg in SHOWN)


def literals(node: ast.expr, scopes: Scopes) -> Iterator[str]:
    """Constant texts an expression may come to; what another call inside it is given is that call's business."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Name):
        values: Iterable[ast.expr] = next((scope[node.id] for scope in scopes if node.id in scope), [])
        scopes = ({node.id: []}, *scopes)  # a name that is made of itself ends here
    else:
        values = parts(node)
    for value in values:
        yield from literals(value, scopes)


def parts(node: ast.expr) -> Iterable[ast.expr]:
    """The expressions whose texts become those of an expression."""
    match node:
        case ast.Call(func=ast.Attribute(value=text, attr="format" | "join"), args=args, keywords=keywords):
            return [text, *args, *(word.value for word in keywords)]
        case ast.Call() | ast.Compare() | ast.Attribute():
            return []
        case ast.Dict(values=values):
            return values
        case ast.Subscript(value=value):
            return [value]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def test_no_word_of_people_stands_in_code() -> None:
    assert not [f"{source.place} {found}" for source in sources() for found in words_in_code(source.tree)]


def test_nothing_is_told_but_from_a_catalogue() -> None:
    assert not [f"{source.place} {found}" for source in sources() for found in told(source.tree)]


@pytest.mark.parametrize(
    "code",
    [
        'say.text("Thank you for your report.")',
        'text(f"Done by {officer}")',
        'Opt("road", "Road")',
        'Question("place", "Where is it?" if first else again, kind)',
        'card(title, body=answer or "nothing")',
        'Button(label="Open", command=command)',
        'PlainTextObject(text="Close")',
        'prompt = "How was the work?"\nsay.text(prompt)',
        'WORDS = "How was the work?"\ndef ask():\n    say.text(WORDS)',
        'def ask():\n    prompt: str = "How was"\n    prompt += work\n    return lambda: text(prompt)',
        'text({"a": "How was the work?"}[key])',
        'WORDS = {"a": "How was the work?"}\ntext(WORDS[key])',
        'text("How was the work in {place}?".format(place=place))',
        'HOW = "How was {what}?"\ntext(HOW.format(what=what))',
        'text("{}".format("the work"))',
        'text(", ".join(["roads", "lamps"]))',
        'work = "the work"\ntext(f"{work}: 5")',
        'first, second = 1, "How was the work?"\ntext(second)',
        'for each in ("How was the work?", "Why?"):\n    text(each)',
        '[text(each) for each in ("How was the work?", "Why?")]',
        'if words := given or "How was the work?":\n    text(words)',
        'a = b\nb = a or "How was the work?"\ntext(a)',
    ],
)
def test_the_rule_sees_words(code: str) -> None:
    assert told(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        'text(say(language, "help.body"))',
        'Opt("road", label)',
        'Fact(label=label, value=f"{a} / {b}")',
        'words("…")',
        'KEY = "help.body"\ntext(say(language, KEY))',
        'KEYS = {"a": "help.body"}\nwords = say(KEYS[key])\ntext(words)',
        'words = "of another"\ndef ask(words):\n    text(words)',
        'def other():\n    words = "of another"\ndef ask():\n    text(words)',
        'text(words if kind == "road" else say(key))',
        'text({"road": first, "lamp": second}[kind])',
        "a = b\nb = a\ntext(a)",
    ],
)
def test_the_rule_lets_catalogues_speak(code: str) -> None:
    assert not told(ast.parse(code))


def test_the_rule_sees_letters_but_not_docstrings() -> None:
    assert words_in_code(ast.parse('x = "受付"')) == ["line 1: 受付"]
    assert words_in_code(ast.parse('x = f"{n}번"')) == ["line 1: 번"]
    assert not words_in_code(ast.parse('def f():\n    """受付"""\n    return text.strip("。、")'))


def test_no_code_names_a_language() -> None:
    checked = [
        each for each in python_sources() if not each.is_test and not each.place.startswith(("benchmarks/", "docs/"))
    ]
    named = [
        f"{source.place}:{number} {text}"
        for source in checked
        for number, text in without_docstrings(source.tree)
        if text in known()
    ]
    assert not named


@cache
def catalogue(source: Source) -> tuple[Texts, ...]:
    """The texts beside a source: those of its distribution."""
    package = ROOT.joinpath(*source.path.relative_to(ROOT).parts[:4])
    return tuple(Texts(path.parent) for path in sorted(package.rglob("ja.yaml")) if path.parent.name != "languages")


def key_pattern(node: ast.expr) -> re.Pattern[str]:
    """The catalogue keys that `say(…)` inside an argument may ask for."""
    for call in (each for each in ast.walk(node) if isinstance(each, ast.Call) and called(each) == "say"):
        for key in call.args:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                return re.compile(re.escape(key.value))
            if isinstance(key, ast.JoinedStr):
                parts = (re.escape(str(p.value)) if isinstance(p, ast.Constant) else r"[\w-]+" for p in key.values)
                return re.compile("".join(parts))
    return NOTHING


def labels(source: Source) -> Iterator[tuple[str, int]]:
    """(key, longest) of each text that becomes a label in a source; `x = say(…)` right before counts like the call."""
    known_names = {
        target.id: node.value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and called(node) in LABELS:
            places, longest = LABELS[called(node)]
            for argument in arguments(node, places):
                said = known_names.get(argument.id, argument) if isinstance(argument, ast.Name) else argument
                yield from ((key, longest) for key in keys(source, key_pattern(said)))


def arguments(call: ast.Call, places: tuple[int | str, ...]) -> Iterator[ast.expr]:
    """A call's arguments at these places."""
    yield from (call.args[at] for at in places if isinstance(at, int) and at < len(call.args))
    yield from (word.value for word in call.keywords if word.arg in places)


def keys(source: Source, pattern: re.Pattern[str]) -> Iterator[str]:
    """Keys of the source's catalogues that match."""
    for texts in catalogue(source):
        yield from (key for key in texts.keys(LANGUAGES[0]) if pattern.fullmatch(key) and key not in SENTENCES)


def test_labels_fit_in_every_language() -> None:
    found = {(source, key, most) for source in sources() for key, most in labels(source)}
    assert len(found) > 20
    long = [
        f"{source.place} {language} {key}: {words}"
        for source, key, most in found
        for texts in catalogue(source)
        for language, words in texts.words(key).items()
        if line.size(words.replace("{score}", "5")) > most
    ]
    assert not long


def test_labels_of_manifests_and_controls_fit() -> None:
    kit = Texts(ROOT / "libs/common/src/machi_sdk/dialogue/texts")
    bar = Texts(ROOT / "services/channel-line/src/machi_channel_line/texts")
    named = [
        words for key in sorted(kit.keys(LANGUAGES[0])) if key.endswith(".label") for words in kit.words(key).values()
    ]
    named += [one.name for one in known().values()]
    named += [title for each in services() for entry in each.manifest.dialogues for title in entry.titles.values()]
    assert not [words for words in named if line.size(words) > line.QUICK_LABEL]
    assert not [words for words in bar.words("menu.bar").values() if line.size(words) > 14]


def test_one_button_has_the_same_words_wherever_it_stands() -> None:
    told = Texts(ROOT / "services/notifications/src/machi_notifications/templates")
    listed = Texts(ROOT / "services/reports/src/machi_reports/texts")
    assert listed.words("cases.different") == told.words("ReportMarkedDuplicate.reopen")
