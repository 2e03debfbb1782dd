import re
from pathlib import Path

import pytest

import machi_simulator
from machi_simulator.phone import acts
from machi_simulator.slack.officers import TROUBLE
from machi_simulator.switches import SWITCHES
from machi_simulator.traces.hops import STEPS
from machi_simulator.web import LOOKS
from machi_simulator.words import LETTERS, Say, catalogue, spoken

HOME = Path(machi_simulator.__file__).parent
# Keys that a template puts together.
MADE = {
    *(f"view.{name}" for name in ("phone", "phones", "workspace", "timeline")),
    *(f"look.{look or 'auto'}" for look in LOOKS),
    *(f"switch.{name}" for name in SWITCHES),
    *(f"hop.{step}" for step in ("sent", "kafka", "other", *(step for _, step in STEPS))),
}


def test_templates_say_what_the_files_have_and_the_files_nothing_more() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in (HOME / "templates").glob("*.html"))
    said = set(re.findall(r'\bt\("([\w.-]+)"[,)]', templates)) | MADE | {"day.form", "day.weekdays"}
    known = set(next(iter(catalogue().values()))) - {"order", "name", "regions"}
    assert said - known == set()
    assert {key for key in known - said if not key.startswith("no.")} == set()


def test_reasons_are_those_the_code_gives() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in HOME.rglob("*.py"))
    given = {LETTERS.sub("-", words.lower()).strip("-") for words in re.findall(r'"([^"\n]+)"', code)}
    assert {key for key in catalogue()["ja"] if key.startswith("no.") and key.removeprefix("no.") not in given} == set()
    assert Say("ja").reason(f"{acts.MOST_PHOTOS} things nobody knows") == "3 things nobody knows"
    assert Say("en").reason("add the account first") == "Add the account first."


def test_numbers_and_details_stay_in_a_reason() -> None:
    assert Say("ja").reason("Must be at most 10 characters.") == "10文字までです。"
    assert Say("ja").reason(f"{TROUBLE} (view_too_large)").endswith("失敗しました。 (view_too_large)")


@pytest.mark.parametrize(
    ("chosen", "accepted", "found"),
    [
        ("", "", "ja"),
        ("", "de-DE, *;q=0.1", "ja"),
        ("", "de, en-US;q=0.7", "en"),
        ("", "zh-TW", "zh-Hant"),
        ("", "zh-HK,en", "zh-Hant"),
        ("", "zh-CN", "zh-Hans"),
        ("", "zh-Hant-HK", "zh-Hant"),
        ("", "ja-JP", "ja"),
        ("ja-Hira", "en", "ja-Hira"),
        ("nonsense", "ko-KR", "ko"),
    ],
)
def test_the_nearest_language_is_spoken(chosen: str, accepted: str, found: str) -> None:
    assert spoken(chosen, accepted) == found
