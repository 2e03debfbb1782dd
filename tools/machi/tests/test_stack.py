"""A whole stack of toy pods over real servers: up, twice up, broken, healed, down."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
import yaml

from machi_tools.stack.layout import ROOT, Layout
from machi_tools.stack.state import State, read_state

pytestmark = [pytest.mark.integration, pytest.mark.stack]
TOY = Path(__file__).with_name("toy")
DEMO = ROOT / "deploy" / "helm" / "machi" / "demo"


@dataclass(frozen=True)
class Stack:
    layout: Layout

    def machi(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        places = {"MACHI_ROOT": str(self.layout.root), "MACHI_STATE_DIR": str(self.layout.state)}
        command = [sys.executable, "-m", "machi_tools", *arguments]
        given = {**os.environ, **places, **settings}
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    @property
    def state(self) -> State:
        found = read_state(self.layout.state_file)
        assert found is not None
        return found

    def pid(self, name: str) -> int:
        return self.state.processes[name].pid

    def says(self, pod: str) -> str:
        found = self.state.pod(pod)
        assert found is not None
        try:
            with urlopen(f"http://{found.http}/readyz", timeout=2) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.state.processes.items()}

    def kill(self, name: str) -> None:
        old = self.pid(name)
        psutil.Process(old).kill()
        self.until(lambda: self.pid(name) != old)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    root = shutil.copytree(TOY, folder / "toy", ignore=shutil.ignore_patterns("__pycache__"))
    made = Stack(Layout(root, folder / "state"))
    began = made.machi("up")
    assert began.returncode == 0, began.stderr
    assert "phone view" in began.stdout
    yield made
    made.machi("reset", "--yes")


@pytest.fixture(autouse=True)
def ready(stack: Stack) -> None:
    assert stack.machi("up").returncode == 0


def test_up_again_changes_nothing_and_prints_the_same(stack: Stack) -> None:
    before = stack.pids()
    first, second = stack.machi("up"), stack.machi("up")
    assert first.stdout == second.stdout
    assert stack.pids() == before


def test_a_changed_setting_starts_it_again_and_a_missing_one_is_kept(stack: Stack) -> None:
    before = stack.pids()
    told = stack.machi("up", LINE_CHANNEL_SECRET="never-to-be-shown")
    after = stack.pids()
    assert (told.returncode, set(before.values()) & set(after.values())) == (0, set())
    assert "starting again with the present ones: LINE_CHANNEL_SECRET" in told.stderr
    assert "never-to-be-shown" not in told.stderr + stack.layout.state_file.read_text()
    missing = stack.machi("up")
    assert "kept from the start, not set here: LINE_CHANNEL_SECRET" in missing.stderr
    assert stack.pids() == after
    stack.machi("down")


def test_a_changed_pod_starts_it_again(stack: Stack) -> None:
    before = stack.pids()
    manifest = stack.layout.root / "services" / "echo" / "service.yaml"
    manifest.write_text(manifest.read_text() + "summary: Another one.\n")
    told = stack.machi("up")
    after = stack.pids()
    assert (told.returncode, set(before.values()) & set(after.values())) == (0, set())
    assert "starting again with those of services/: echo" in told.stderr
    assert "starting again" not in stack.machi("up").stderr
    assert stack.pids() == after


def test_doctor_tells_every_address(stack: Stack) -> None:
    report = json.loads(stack.machi("doctor", "--json").stdout)
    assert report["ok"], report["findings"]
    assert [pod["name"] for pod in report["pods"]] == ["identity", "echo"]
    assert all(pod["live"] and pod["ready"] and pod["pid"] for pod in report["pods"])
    assert report["views"]["phone"].endswith("/phone")
    assert report["servers"]["kafka"]["cluster_id"]


def test_staff_and_pods_are_listed(stack: Stack) -> None:
    people = json.loads(stack.machi("staff", "list", "--json").stdout)
    assert {role for person in people for role in person["roles"]} >= {"officer", "lead", "approver", "operator"}
    assert all(person["slack_user"].startswith("U") for person in people)
    assert {row["pod"] for row in json.loads(stack.machi("pods", "list", "--json").stdout)} == {"identity", "echo"}


def test_who_left_is_named_when_the_city_is_put_and_taken_out_by_their_id(stack: Stack, tmp_path: Path) -> None:
    city = yaml.safe_load((DEMO / "city.yaml").read_text(encoding="utf-8"))
    *others, left = [person["staff_id"] for person in city["staff"]]
    team = json.loads(stack.machi("staff", "list", "--json").stdout)[0]["slack_team"]
    files = {**city, "slack_team": team, "staff": city["staff"][:-1]}
    (tmp_path / "city.yaml").write_text(yaml.safe_dump(files, allow_unicode=True), encoding="utf-8")
    told = stack.machi("city", "put", str(tmp_path))
    assert told.returncode == 0, told.stderr
    assert f"machi staff remove --tenant fukuoka {left}\n" in told.stderr
    told = stack.machi("staff", "remove", "--tenant", "fukuoka", left, "nobody")
    assert (told.returncode, told.stdout) == (1, f"{left}: removed\n")
    assert "nobody has the id nobody" in told.stderr
    people = json.loads(stack.machi("staff", "list", "--json").stdout)
    assert {person["staff_id"] for person in people} == set(others)
    assert "left" not in stack.machi("city", "put", str(tmp_path)).stderr
    assert stack.machi("seed").returncode == 0


def test_what_was_put_is_there_after_the_next_start_and_the_demo_city_comes_when_asked_for(
    stack: Stack, tmp_path: Path
) -> None:
    city = yaml.safe_load((DEMO / "city.yaml").read_text(encoding="utf-8"))
    team = json.loads(stack.machi("staff", "list", "--json").stdout)[0]["slack_team"]
    renamed = [{**person, "name": f"{person['name']} *"} for person in city["staff"]]
    files = {**city, "slack_team": team, "staff": renamed}
    (tmp_path / "city.yaml").write_text(yaml.safe_dump(files, allow_unicode=True), encoding="utf-8")
    assert stack.machi("city", "put", str(tmp_path)).returncode == 0
    for verb in ("down", "up"):
        assert stack.machi(verb).returncode == 0
    people = json.loads(stack.machi("staff", "list", "--json").stdout)
    assert {person["name"] for person in people} == {person["name"] for person in renamed}
    assert stack.machi("seed").returncode == 0
    people = json.loads(stack.machi("staff", "list", "--json").stdout)
    assert {person["name"] for person in people} == {person["name"] for person in city["staff"]}


def test_a_killed_pod_comes_back_with_its_extra_environment(stack: Stack) -> None:
    extra = stack.layout.state / "env" / "echo"
    extra.parent.mkdir(exist_ok=True)
    extra.write_text("TOY_WORD=other\n")
    stack.kill("echo")
    stack.until(lambda: stack.says("echo") == "other")
    extra.unlink()
    stack.kill("echo")
    stack.until(lambda: stack.says("echo") == "plain")


def test_a_hanging_pod_is_told_and_left_alone(stack: Stack) -> None:
    pid = stack.pid("echo")
    os.kill(pid, signal.SIGSTOP)
    told = stack.machi("doctor", "--json")
    os.kill(pid, signal.SIGCONT)
    assert told.returncode == 1
    assert any(finding["what"].startswith("echo hangs") for finding in json.loads(told.stdout)["findings"])
    assert stack.pid("echo") == pid
    assert stack.machi("doctor").returncode == 0


@pytest.mark.parametrize("server", ["postgres", "kafka", "simulator"])
def test_a_killed_server_comes_back(stack: Stack, server: str) -> None:
    stack.kill(server)
    stack.until(lambda: stack.machi("doctor").returncode == 0, 120)


def test_what_a_killed_supervisor_left_is_cleared_away(stack: Stack) -> None:
    left = [process.identity() for process in stack.state.processes.values()]
    psutil.Process(stack.state.supervisor.pid).kill()
    stack.until(lambda: not stack.state.is_running())
    assert stack.machi("up").returncode == 0
    assert not [process for process in left if process.find()]


def test_down_ends_everything_it_started_and_nothing_else(stack: Stack) -> None:
    mine = [process.identity() for process in stack.state.processes.values()]
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    assert stack.machi("down").stdout == "stopped\n"
    assert not [process for process in mine if process.find()]
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert stack.machi("down").stdout == "nothing was running\n"
    assert json.loads(stack.machi("doctor", "--json").stdout)["findings"][0]["cure"] == "make up"


def test_a_pod_that_cannot_live_is_told_with_its_log(stack: Stack) -> None:
    stack.machi("down")
    extra = stack.layout.state / "env" / "echo"
    extra.parent.mkdir(exist_ok=True)
    extra.write_text("DATABASE_URL=postgresql://nobody@127.0.0.1:1/x\n")
    told = stack.machi("up")
    extra.unlink()
    assert told.returncode == 1
    assert "echo keeps dying" in told.stderr
    assert "cure:" in told.stderr
    assert str(stack.layout.log("echo")) in told.stderr
