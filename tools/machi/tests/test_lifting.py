"""Before anything starts: is the machine large enough, and does what runs have these settings and these pods?"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from machi_tools.errors import StackError
from machi_tools.stack.layout import Layout
from machi_tools.stack.lifting import DISK_NEEDED, MEMORY_NEEDED, check_room, ensure_running, goes_on
from machi_tools.stack.pods import chosen, passports
from machi_tools.stack.secrets import SecretStore
from machi_tools.stack.settings import SETTINGS_KEY, digests
from machi_tools.stack.state import Process, Servers, State

MB = 1024**2
TOY = Path(__file__).with_name("toy")
SERVERS = Servers(postgres="", postgres_own=True, kafka="", kafka_own=True)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(shutil.copytree(TOY, tmp_path / "toy"), tmp_path / "state")


def running(layout: Layout, **environ: str) -> State:
    """What a supervisor writes that was started now, with this environment."""
    key = SecretStore(layout.state / "secrets.json").word(SETTINGS_KEY)
    manifests = passports(chosen(layout.root, environ))
    supervisor = Process(pid=1, started=0)
    return State(supervisor=supervisor, servers=SERVERS, settings=digests(environ, key), manifests=manifests)


def add_a_pod(layout: Layout) -> None:
    folder = layout.root / "services" / "third"
    folder.mkdir()
    (folder / "service.yaml").write_text("name: third\nversion: 0.1.0\nowner: tests\n")


def change_a_pod(layout: Layout) -> None:
    path = layout.root / "services" / "echo" / "service.yaml"
    path.write_text(path.read_text() + "summary: Another one.\n")


def take_a_pod_away(layout: Layout) -> None:
    shutil.rmtree(layout.root / "services" / "echo")


def test_what_runs_with_the_same_settings_and_pods_goes_on_and_nothing_is_said(layout: Layout) -> None:
    told: list[str] = []
    state = running(layout, LINE_CHANNEL_ID="1")
    manifest = layout.root / "services" / "echo" / "service.yaml"
    manifest.write_text(f"# says the same\n{manifest.read_text()}")
    assert goes_on(layout, state, {"LINE_CHANNEL_ID": "1"}, told.append)
    assert told == []


def test_what_is_wrong_is_told_before_anything_starts(layout: Layout) -> None:
    layout.state.mkdir()
    with pytest.raises(StackError, match="DATABASE_URL is not a postgresql:// address"):
        ensure_running(layout, {"DATABASE_URL": "localhost:5432"}, print)
    (layout.root / "services" / "echo" / "service.yaml").write_text("name: echo\n")
    with pytest.raises(StackError, match=r"^echo/service.yaml: "):
        ensure_running(layout, {}, print)
    assert not layout.log("supervisor").exists()


@pytest.mark.parametrize(("happens", "name"), [(add_a_pod, "third"), (change_a_pod, "echo"), (take_a_pod_away, "echo")])
def test_another_pod_starts_it_again(happens: Callable[[Layout], None], name: str, layout: Layout) -> None:
    told: list[str] = []
    state = running(layout)
    happens(layout)
    assert not goes_on(layout, state, {}, told.append)
    assert told == [f"pods are new, changed, or gone, starting again with those of services/: {name}"]


def test_it_is_not_started_again_without_a_setting_that_it_has(layout: Layout) -> None:
    told: list[str] = []
    state = running(layout, LINE_CHANNEL_ID="1")
    change_a_pod(layout)
    assert goes_on(layout, state, {}, told.append)
    assert [line.partition(" (")[0] for line in told] == [
        "kept from the start, not set here: LINE_CHANNEL_ID",
        "not taken up, pods that are new, changed, or gone: echo",
    ]


def test_a_pod_that_nobody_chose_starts_nothing_again(layout: Layout) -> None:
    told: list[str] = []
    state = running(layout, MACHI_PODS="identity")
    change_a_pod(layout)
    assert goes_on(layout, state, {"MACHI_PODS": "identity"}, told.append)
    assert told == []


def test_a_manifest_that_cannot_be_read_is_told_and_what_runs_goes_on(layout: Layout) -> None:
    state = running(layout)
    (layout.root / "services" / "echo" / "service.yaml").write_text("name: echo\n")
    with pytest.raises(StackError, match=r"echo/service\.yaml"):
        goes_on(layout, state, {}, print)


def test_room_enough_is_no_matter() -> None:
    check_room(MEMORY_NEEDED, DISK_NEEDED)


def test_too_little_memory_is_told_with_the_cure() -> None:
    with pytest.raises(StackError) as told:
        check_room(200 * MB, DISK_NEEDED)
    assert (told.value.what, told.value.cure) == (
        "only 200 MB of memory are free, 900 are needed",
        "close other programs",
    )


def test_too_little_disk_is_told_with_the_cure() -> None:
    with pytest.raises(StackError) as told:
        check_room(MEMORY_NEEDED, 30 * MB)
    assert (told.value.what, told.value.cure) == (
        "only 30 MB of disk are free, 1024 are needed",
        "make room on the disk",
    )
