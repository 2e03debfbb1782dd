"""The running stack as a release in a cluster: what the API server would say of it, for the stand-in of kubectl."""

import json
import os
import sys
from pathlib import Path

from machi_sdk.manifest import OPERATOR
from machi_tools.stack.keys import Issuer
from machi_tools.stack.layout import Layout
from machi_tools.stack.pods import Pod, callees, discover
from machi_tools.stack.state import State, read_state
from tests.architecture.house import ROOT
from tests.integration.operators import kubectl

NAMESPACE, RELEASE = "city", "machi"
# The second replica of reports, in which nobody may run anything.
FORBIDDEN = f"{RELEASE}-reports-1"
REFUSAL = 'Error from server (Forbidden): pods "machi-reports-1" is forbidden: cannot create resource "pods/exec"'


def install(folder: Path, state_folder: Path) -> dict[str, str]:
    """Put `kubectl` into `folder`; the environment in which it is found, and finds the stack."""
    layout = Layout(ROOT, state_folder)
    state = read_state(layout.state_file)
    assert state is not None
    program, cluster = folder / "kubectl", folder / "cluster.json"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {kubectl.__file__} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    cluster.write_text(json.dumps(_cluster(layout, state)), encoding="utf-8")
    return {"KUBECTL_CLUSTER": str(cluster), "PATH": f"{folder}:{os.environ['PATH']}"}


def _cluster(layout: Layout, state: State) -> kubectl.Cluster:
    pods = [pod for pod in discover(layout.root) if state.pod(pod.name)]
    topics = {f"topic.{path.name}": path for path in (ROOT / "protos" / "topics").glob("*.yaml")}
    files = {**topics, **{f"manifest.{pod.name}.yaml": pod.manifest_path for pod in pods}}
    replicas = [
        _replica(layout, state, pod, number) for pod in pods for number in range(2 if pod.name == "reports" else 1)
    ]
    keys = Issuer(layout.keys, state.release).keys_of(OPERATOR, [pod.name for pod in pods])
    return kubectl.Cluster(
        namespace=NAMESPACE,
        configmaps={
            "machi": {"release": RELEASE, "profile": "evaluation"},
            f"{RELEASE}-files": {name: path.read_text(encoding="utf-8") for name, path in files.items()},
        },
        replicas=replicas,
        objects=[_object(replica, state.tenant) for replica in replicas],
        tokens={f"{RELEASE}/{pod.name}": keys.token_for(pod.name) for pod in pods},
        refusals={FORBIDDEN: REFUSAL},
    )


def _replica(layout: Layout, state: State, pod: Pod, number: int) -> kubectl.Replica:
    addresses = {each.name: each.rpc for each in state.pods}
    others = [name for name in callees(pod, discover(layout.root)) if name in addresses and name != pod.name]
    return kubectl.Replica(
        name=f"{RELEASE}-{pod.name}-{number}",
        pod=pod.name,
        state=str(layout.state_file),
        rpc=addresses[pod.name].rpartition(":")[2],
        settings={"MACHI_PEERS": ",".join(f"{name}={addresses[name]}" for name in others)},
    )


def _object(replica: kubectl.Replica, tenant: str) -> dict[str, object]:
    container = {"name": "pod", "env": [{"name": "MACHI_DEFAULT_TENANT", "value": tenant}]}
    ready = replica["name"] != FORBIDDEN
    status = {"ready": ready, "restartCount": 0, "state": {"running": {"startedAt": "2026-04-01T00:00:00Z"}}}
    return {
        "metadata": {"name": replica["name"], "labels": {"app.kubernetes.io/name": replica["pod"]}},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "containerStatuses": [status]},
    }
