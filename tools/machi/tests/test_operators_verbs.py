"""An operator's slip is told with what there is instead, before anything is asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from machi_tools import console
from machi_tools.stack.layout import ROOT
from machi_tools.stack.pods import discover


@pytest.mark.parametrize("name", ["道路担当 [東]", "[bold]One", "One [/]", ":car: One"])
def test_a_name_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name", box=None)
    table.add_row(name)
    console.out.print(table)
    console.note(name)
    printed = capsys.readouterr()
    assert (printed.out.splitlines()[1].strip(), printed.err.strip()) == (name, name)


def test_a_pod_that_is_not_there_is_not_silently_left_out(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "machi_tools", "pods", "install", "identity", "reprots"]
    environment = {**os.environ, "MACHI_STATE_DIR": str(tmp_path)}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stdout) == (1, "")
    assert "there is no pod reprots" in told.stderr
    assert all(pod.name in told.stderr.partition("cure: ")[2] for pod in discover(ROOT))
