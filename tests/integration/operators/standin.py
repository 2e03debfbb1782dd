"""A `kubectl` for tests, run as a program: its cluster is the running stack, a replica is a pod's process.

What is executed in a replica is the real verb with that process's own settings; a forwarded port is the pod's own.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from machi_sdk.manifest import OPERATOR
from machi_tools.stack.keys import Issuer
from machi_tools.stack.layout import Layout
from machi_tools.stack.pods import callees, discover
from machi_tools.stack.state import PodAddresses, State, read_state
from tests.architecture.house import ROOT

NAMESPACE, RELEASE = "city", "machi"
STATE = "STANDIN_STATE"
# Which of the two replicas may not be asked, and what is said then.
FORBIDDEN = f"{RELEASE}-reports-1"


def install(folder: Path, state: Path) -> dict[str, str]:
    """Put the program into `folder`; the environment in which `kubectl` is it."""
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m {__name__} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {STATE: str(state), "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def _configmap(layout: Layout, name: str) -> dict[str, str]:
    if name == "machi":
        return {"release": RELEASE, "profile": "evaluation"}
    topics = {f"topic.{path.name}": path for path in (ROOT / "protos" / "topics").glob("*.yaml")}
    manifests = {f"manifest.{pod.name}.yaml": pod.manifest_path for pod in discover(layout.root)}
    return {key: path.read_text(encoding="utf-8") for key, path in {**topics, **manifests}.items()}


def _object(pod: PodAddresses, number: int, tenant: str) -> dict[str, object]:
    container = {"name": "pod", "env": [{"name": "MACHI_DEFAULT_TENANT", "value": tenant}]}
    status = {"ready": number == 0, "restartCount": number, "state": {"running": {"startedAt": "2026-04-01T00:00:00Z"}}}
    return {
        "metadata": {"name": f"{RELEASE}-{pod.name}-{number}", "labels": {"app.kubernetes.io/name": pod.name}},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "podIP": f"10.0.0.{number}", "containerStatuses": [status]},
    }


def _pods(state: State) -> dict[str, object]:
    two = [(pod, number) for pod in state.pods for number in range(2 if pod.name == "reports" else 1)]
    return {"items": [_object(pod, number, state.tenant) for pod, number in two]}


def _execute(layout: Layout, state: State, replica: str, command: Sequence[str]) -> int:
    if replica == FORBIDDEN:
        sys.stderr.write('Error from server (Forbidden): pods "x" is forbidden: cannot create resource "pods/exec"\n')
        return 1
    everyone = discover(layout.root)
    pod = next(each for each in everyone if replica.startswith(f"{RELEASE}-{each.name}-"))
    process = psutil.Process(state.processes[pod.name].pid)
    addresses = {each.name: each.rpc for each in state.pods}
    peers = ",".join(f"{name}={addresses[name]}" for name in callees(pod, everyone) if name != pod.name)
    environment = {**process.environ(), "MACHI_PEERS": peers}
    assert command[0] == "python"
    done = subprocess.run([sys.executable, *command[1:]], env=environment, cwd=process.cwd(), check=False)
    if done.returncode:
        sys.stderr.write(f"command terminated with exit code {done.returncode}\n")
    return done.returncode


def main(words: Sequence[str]) -> int:
    """Do what kubectl would."""
    layout = Layout(ROOT, Path(os.environ[STATE]))
    state = read_state(layout.state_file)
    assert state is not None
    assert list(words[:2]) == ["--namespace", NAMESPACE]
    match list(words[2:]):
        case ["get", "configmap", name, "--ignore-not-found", "--output", "json"]:
            sys.stdout.write(json.dumps({"data": _configmap(layout, name)}))
        case ["get", "pods", "--selector", _, "--output", "json"]:
            sys.stdout.write(json.dumps(_pods(state)))
        case ["exec", replica, "--container", "pod", "--", *command]:
            return _execute(layout, state, replica, command)
        case ["create", "token", "machi-operator", "--audience", audience, "--duration", "10m"]:
            callee = audience.removeprefix(f"{RELEASE}/")
            sys.stdout.write(Issuer(layout.keys, state.release).keys_of(OPERATOR, [callee]).token_for(callee) + "\n")
        case ["port-forward", "--address", "127.0.0.1", replica, ":9090"]:
            pod = next(each for each in state.pods if replica.startswith(f"pod/{RELEASE}-{each.name}-"))
            sys.stdout.write(f"Forwarding from 127.0.0.1:{pod.rpc.rpartition(':')[2]} -> 9090\n")
            sys.stdout.flush()
            signal.pause()
        case _:
            sys.stderr.write(f"error: unknown command {words}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
