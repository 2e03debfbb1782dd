"""Switches side by side: each does what it says, whatever was switched on before."""

from pathlib import Path

from machi_simulator.faults import Faults
from machi_simulator.journal import Journal
from machi_simulator.switches import Switches

PUSH, POST, WEBHOOK = "/line/v2/bot/message/push", "/slack/api/chat.postMessage", "webhook/line"


def acting(faults: Faults, *paths: str) -> list[str]:
    """The switch that a request to each path meets; empty where it meets none."""
    met = [faults.take(path) for path in paths]
    return [fault.id.split("-")[1] if fault else "" for fault in met]


def test_a_slow_network_hides_no_other_switch() -> None:
    faults = Faults(Journal(None))
    switches = Switches(faults)
    for name in ("slow", "line_500"):
        switches.turn(name)
    assert acting(faults, PUSH, POST, WEBHOOK) == ["line_500", "slow", "slow"]
    for name in ("slow", "slow"):
        switches.turn(name)
    assert acting(faults, PUSH, POST) == ["line_500", "slow"]
    switches.turn("line_500")
    assert acting(faults, PUSH, POST) == ["slow", "slow"]


def test_of_two_that_fit_the_newer_one_acts_then_the_older() -> None:
    faults = Faults(Journal(None))
    switches = Switches(faults)
    for name in ("twice", "slow", "lost_once"):
        switches.turn(name)
    assert acting(faults, WEBHOOK, WEBHOOK) == ["lost_once", "twice"]
    assert [switch.name for switch in switches.states() if switch.on] == ["slow", "twice"]
    switches.clear()
    assert acting(faults, WEBHOOK) == [""]


def test_a_slow_network_leaves_time_to_open_a_modal() -> None:
    faults = Faults(Journal(None))
    Switches(faults).turn("slow")
    held = faults.take("/slack/api/views.open")
    assert held is not None
    assert 0 < held.ms < 1000


def test_the_order_outlives_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "simulator.sqlite")
    for name in ("slow", "twice", "line_429"):
        Switches(Faults(journal)).turn(name)
    assert acting(Faults(journal), PUSH, WEBHOOK, POST) == ["line_429", "twice", "slow"]
    journal.close()
