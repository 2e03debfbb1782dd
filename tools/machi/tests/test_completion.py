"""Shell completion as a person gets it: the script that `machi` prints, in a real shell."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from machi_tools.embedded.process import Identity

MACHI = Path(sys.executable).with_name("machi")
SCRIPT = 'eval "$({machi} --show-completion)"\n'
OFFER = """COMP_WORDS=({words}) COMP_CWORD={place}
_machi_completion {machi}
echo "${{COMPREPLY[@]}}"
"""


def offered(state: Path, *typed: str) -> list[list[str]]:
    """What bash offers for each line typed after `machi`, its last word begun or (after a space) not."""
    bash = shutil.which("bash")
    assert bash is not None
    script = SCRIPT.format(machi=MACHI)
    for each in typed:
        words = each.split(" ")
        quoted = " ".join(("machi", *(word or "''" for word in words)))
        script += OFFER.format(machi=MACHI, words=quoted, place=len(words))
    environment = {**os.environ, "MACHI_STATE_DIR": str(state)}
    command = [bash, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=240)
    return [row.split() for row in done.stdout.splitlines()]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state of a stack that runs, as far as completion cares."""
    me = Identity.of(os.getpid())
    pods = [{"name": name, "http": "127.0.0.1:1", "rpc": "127.0.0.1:2"} for name in ("identity", "reports")]
    servers = {"postgres": "", "postgres_own": True, "kafka": "", "kafka_own": True}
    supervisor = {"pid": me.pid, "started": me.started}
    content = {"supervisor": supervisor, "pods": pods, "servers": servers}
    (tmp_path / "state.json").write_text(json.dumps(content))
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "channel-line.log").touch()
    return tmp_path


def test_verbs_and_what_they_take_are_offered(state: Path) -> None:
    found = offered(state, "", "t", "dlq show i", "logs chan", "bench web", "logs --level wa")
    assert set(found[0]) >= {"up", "down", "reset", "logs", "doctor", "outbox", "bench", "dlq", "pods", "staff"}
    assert "supervise" not in found[0]
    assert found[1:] == [["trace", "topics", "tenants"], ["identity"], ["channel-line"], ["webhook"], ["warning"]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [str(MACHI), "--show-completion", shell]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=240)
    assert f"complete_{shell}" in done.stdout
