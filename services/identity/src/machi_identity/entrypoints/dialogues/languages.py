"""The languages a city offers, each by its own name."""

from collections.abc import Iterable

from machi_sdk.dialogue import Answers, Choices, Opt, Question
from machi_sdk.language import known
from machi_sdk.names import fold
from machi_sdk.texts import Texts

KEY = "language"
OFFERED = "offered"


def offered(answers: Answers) -> tuple[str, ...]:
    """What was on offer when the dialogue began, as far as it is still known; else all that is known."""
    kept = answers.get(OFFERED)
    tags = [str(tag) for tag in kept if tag in known()] if isinstance(kept, list) else []
    return tuple(tags) or tuple(known())


def named_language(tags: Iterable[str], typed: str) -> str:
    """The one of these languages that was typed by tag or by any of its spellings; empty when it is none."""
    wanted = _key(typed)
    for tag in tags:
        if wanted in {_key(word) for word in (tag, known()[tag].name, *known()[tag].spellings)}:
            return tag
    return ""


def language_question(texts: Texts, tags: Iterable[str], greeting: str = "") -> Question:
    """A choice among the languages by their own names, asked in each of them: whoever is new reads at least one."""
    options = tuple(Opt(tag, known()[tag].name) for tag in tags)
    lines = dict.fromkeys(texts.say(option.option_id, "language.choose") for option in options)
    return Question(KEY, "\n".join([greeting, "", *lines] if greeting else lines), Choices(options))


def _key(typed: str) -> str:
    return fold(typed).replace(" ", "")
