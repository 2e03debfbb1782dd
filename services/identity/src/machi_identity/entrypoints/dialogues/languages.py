"""The languages the city speaks: one file of texts each, so a fifth comes by its file alone."""

from machi_sdk.dialogue import Choices, Opt, Question
from machi_sdk.names import fold
from machi_sdk.texts import Texts

KEY = "language"


def named_language(texts: Texts, typed: str) -> str:
    """The tag of the language that was typed by tag or by any of its spellings; empty when it is none."""
    wanted = _key(typed)
    for tag in texts.languages:
        words = (tag, texts.say(tag, "language.own_name"), *texts.say(tag, "language.spellings").split("|"))
        if wanted in {_key(word) for word in words}:
            return tag
    return ""


def language_question(texts: Texts, greeting: str = "") -> Question:
    """A choice among the languages by their own names, asked in each of them: whoever is new reads at least one."""
    lines = dict.fromkeys(texts.say(tag, "language.choose") for tag in texts.languages)
    options = tuple(Opt(tag, texts.say(tag, "language.own_name")) for tag in texts.languages)
    return Question(KEY, "\n".join([greeting, "", *lines] if greeting else lines), Choices(options))


def _key(typed: str) -> str:
    return fold(typed).replace(" ", "")
