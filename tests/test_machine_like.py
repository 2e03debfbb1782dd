"""The check for machine-like text sees what it should, and finds none in what the channels render."""

import json
from pathlib import Path

import pytest

from tests.machine_like import machine_like, read_in

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOTS = sorted(ROOT.glob("services/*/tests/snapshots/*.json"))


@pytest.mark.parametrize(
    "words",
    [
        "state: in_progress",
        "roads-chuo に引き継ぎました",
        "reports.case-updates",
        "案件 SESSION_STATE_OPEN",
        "0193f0a2-7b1c-7000-8000-000000000001",
        "受付番号 {number}",
        "KeyError: 'x'",
        "場所: None",
        "2026-11-28 14:05",
        "언어: zh-Hant",
    ],
)
def test_what_a_machine_wrote_is_seen(words: str) -> None:
    assert machine_like(words)


@pytest.mark.parametrize(
    "words",
    [
        "受付番号 FK-7K3M-9Q2D",
        "Sat 28 Nov, 14:05",
        "地図 https://www.google.com/maps?q=33.5,130.4",
        "+81 92-000-0199",
        "Photo: none. Still broken? Reopen",
        "★1（不満）〜★5（満足）",
    ],
)
def test_what_people_write_passes(words: str) -> None:
    assert not machine_like(words)


def test_only_what_is_read_is_looked_at() -> None:
    message = {"type": "flex", "altText": "a", "contents": {"adjustMode": "shrink-to-fit", "text": {"text": "b"}}}
    assert list(read_in(message)) == ["a", "b"]


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: f"{path.parents[2].name} {path.stem}")
def test_nothing_rendered_is_machine_like(path: Path) -> None:
    read = list(read_in(json.loads(path.read_text(encoding="utf-8"))))
    assert len(read) > 20
    assert not [found for words in read for found in machine_like(words)]
