"""Logs in a terminal: by time, one line each, filtered by level and trace, raw for scripts."""

import json
import os
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from machi_tools.log_view import Wanted, in_order, read_line, shown
from machi_tools.stack.logs import Following, bound, last_lines

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def line(second: int, pod: str, level: str = "info", **values: object) -> str:
    at = f"2026-11-28T00:00:{second:02d}.123456Z"
    return json.dumps({"event": f"event {second}", "level": level, "timestamp": at, **values, "pod": pod})


POSTGRES = "2026-11-28 00:00:03.000 UTC [12] FATAL:  the database system is starting up"
KAFKA = "2090 [main] WARN org.apache.kafka.controller - Performing controller activation."
TRACEBACK = "Traceback (most recent call last):"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    written = {
        "identity": [line(1, "identity"), TRACEBACK, line(5, "identity", "error", trace_id=TRACE, reason="x y", n=2)],
        "reports": [line(2, "reports", "warning"), line(4, "reports", trace_id=TRACE), line(6, "reports")],
        "postgres": [POSTGRES],
        "kafka": [KAFKA],
    }
    for name, lines in written.items():
        (tmp_path / "log" / f"{name}.log").write_text("".join(f"{each}\n" for each in lines))
    return tmp_path


def machi(state: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "MACHI_STATE_DIR": str(state), "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-m", "machi_tools", "logs", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_lines_of_all_processes_are_shown_by_time(state: Path) -> None:
    told = machi(state).stdout.splitlines()
    assert [row.partition("event ")[2][:1] for row in told if "event" in row] == ["1", "2", "4", "5", "6"]
    assert told[0] == f"kafka          {KAFKA}"
    assert told[1] == "11-28 09:00:01.123 identity       info    event 1"
    assert told[2] == f"identity       {TRACEBACK}"
    assert told[4] == f"postgres       {POSTGRES}"
    assert told[6] == "11-28 09:00:05.123 identity       error   event 5 4bf92f35 reason=x y n=2"


def test_a_level_a_trace_and_names_narrow_it(state: Path) -> None:
    assert "event 1" not in machi(state, "--level", "warning").stdout
    grave = machi(state, "--level", "error").stdout.splitlines()
    assert [POSTGRES in grave[0], "event 5" in grave[1], len(grave)] == [True, True, 2]
    traced = machi(state, "--trace", TRACE[:8]).stdout.splitlines()
    assert [row.split()[5] for row in traced] == ["4", "5"]
    assert machi(state, "--trace", TRACE, "reports").stdout.count("\n") == 1
    assert machi(state, "--trace", "0000").stdout == ""
    refused = machi(state, "--level", "loud")
    assert refused.returncode == 2


def test_the_last_lines_are_counted_after_filtering(state: Path) -> None:
    told = machi(state, "-n", "1", "--level", "warning", "identity", "reports").stdout
    assert ["event 2" in told, "event 5" in told, told.count("\n")] == [True, True, 2]


def test_json_is_raw_and_nothing_else(state: Path) -> None:
    told = machi(state, "--json").stdout.splitlines()
    assert [json.loads(row)["event"] for row in told] == [f"event {number}" for number in (1, 2, 4, 5, 6)]
    assert line(1, "identity") in told


def test_a_log_that_is_not_there_is_told_with_those_that_are(state: Path) -> None:
    told = machi(state, "reprots")
    assert (told.returncode, "cure: one of: identity, kafka, postgres, reports" in told.stderr) == (1, True)
    nothing = machi(state / "nothing", "reports")
    assert (nothing.returncode, "cure: make up" in nothing.stderr) == (1, True)


@pytest.mark.parametrize(("count", "code"), [("-1", 2), ("0", 0)])
def test_a_number_of_lines_is_none_or_more(state: Path, count: str, code: int) -> None:
    told = machi(state, "-n", count, "reports")
    assert (told.returncode, told.stdout, "Traceback" in told.stderr) == (code, "", False)


def test_colours_are_for_terminals_only(state: Path) -> None:
    assert "\x1b[" not in machi(state).stdout
    out = StringIO()
    Console(file=out, force_terminal=True, color_system="standard").print(
        shown(read_line("identity", line(5, "identity", "error")))
    )
    assert "\x1b[1;31m error" in out.getvalue()


def test_markup_of_others_is_text() -> None:
    out = StringIO()
    Console(file=out, width=200).print(shown(read_line("identity", line(1, "identity", note="[red]not ours[/red]"))))
    assert "note=[red]not ours[/red]" in out.getvalue()


@pytest.mark.parametrize("raw", ["{no json", "[1, 2]", "", "{}", '"text"', "\x00\x01"])
def test_what_is_no_log_line_is_shown_as_it_is(raw: str) -> None:
    found = read_line("odd", raw)
    assert shown(found).plain.endswith(raw)
    assert Wanted().has(found)
    assert in_order([found]) == [found]


def test_what_is_added_is_followed_through_a_cut_and_a_new_file(tmp_path: Path) -> None:
    old, later = tmp_path / "old.log", tmp_path / "later.log"
    old.write_text("before\n")
    added = Following([old, later]).added()
    with old.open("a") as file:
        file.write("one\ntw")
    seen = [next(added)]
    with old.open("a") as file:
        file.write("o\n")
    seen.append(next(added))
    later.write_text("new\n")
    seen.append(next(added))
    old.write_text("")
    threading.Timer(0.3, lambda: old.write_text("cut\n")).start()
    seen.append(next(added))
    assert seen == [(old, "one"), (old, "two"), (later, "new"), (old, "cut")]


def test_following_shows_what_a_process_says_next(state: Path) -> None:
    environment = {**os.environ, "MACHI_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "machi_tools", "logs", "-f", "-n", "1", "--level", "warning", "reports"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ending = threading.Timer(60, process.kill)
    ending.start()
    try:
        assert "event 2" in process.stdout.readline()
        with (state / "log" / "reports.log").open("a") as log:
            log.write(line(7, "reports") + "\n" + line(8, "reports", "error") + "\n")
        assert "event 8" in process.stdout.readline()
    finally:
        ending.cancel()
        process.kill()
        process.communicate()


def test_a_cut_log_keeps_its_last_lines_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_tools.stack.logs.LARGEST", 100)
    monkeypatch.setattr("machi_tools.stack.logs.KEPT", 10)
    log = tmp_path / "big.log"
    log.write_text("x" * 200 + "the end.\n")
    bound(tmp_path)
    assert (log.read_text(), (tmp_path / "big.log.1").read_text()) == ("", "xthe end.\n")
    assert last_lines(log, 5, lambda _: True) == []
