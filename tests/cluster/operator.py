"""The operator's command on the running release: it answers as on one machine, for a case that was just filed."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from machi_simulator.canary import fly
from tests.architecture.house import in_the_stack
from tests.charts.binaries import program
from tests.cluster.kube import RELEASE, FailedError, Kube

ON_THE_WAY = {"channel-line", "reports", "channel-slack"}
OLD_SECONDS = 60.0


def wrong_answers(kube: Kube) -> list[str]:
    """What `machi -n NAMESPACE` says otherwise than it should."""
    with kube.forwarded(f"{RELEASE}-simulator", 8080) as url:
        number = asyncio.run(fly(url, "Report a problem")).partition(":")[0]
    doctor, trace = _machi(kube, "doctor"), _machi(kube, "trace", number)
    outboxes, parked = _machi(kube, "outbox"), _machi(kube, "dlq", "list")
    pods = {service.name for service in in_the_stack()}
    wrong = [f"doctor: {each['what']}" for each in doctor["findings"]]
    if len([each for each in doctor["pods"] if each["ready"]]) < len(pods):
        wrong.append(f"doctor: not every pod is ready: {doctor['pods']}")
    if not {hop["pod"] for hop in trace["hops"]} >= ON_THE_WAY:
        wrong.append(f"trace {number}: {trace['hops']}")
    if {each["pod"] for each in outboxes} != pods:
        wrong.append(f"outbox: {outboxes}")
    wrong += [f"outbox: {each}" for each in outboxes if each["oldest_seconds"] > OLD_SECONDS]
    return wrong + [f"dlq list: {each}" for each in parked]


def _machi(kube: Kube, *words: str) -> Any:  # noqa: ANN401 (a JSON document)
    """What the command prints as JSON; FailedError with what it says when it prints none."""
    path = f"{Path(program('kubectl')).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "machi_tools", "-n", kube.namespace, *words, "--json"]
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    if not done.stdout.startswith(("{", "[")):
        raise FailedError(f"machi {' '.join(words)}: {done.stderr[-1000:]}")
    return json.loads(done.stdout)
