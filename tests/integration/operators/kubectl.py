"""A `kubectl` for tests, run as a program: its cluster is written down in the file of KUBECTL_CLUSTER.

What is executed in a replica is the real command, with the settings of the process that stands for the replica; a
forwarded port is that process's own. Light, for it starts often: nothing of the house is imported.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict


class Replica(TypedDict):
    """A process: where its id is written, the port of its rpc side, settings it has otherwise in a cluster."""

    name: str
    pod: str
    state: str
    rpc: str
    settings: dict[str, str]


class Cluster(TypedDict):
    """One namespace; `refusals` says what the API server answers to `exec` in a replica."""

    namespace: str
    configmaps: dict[str, dict[str, str]]
    replicas: list[Replica]
    objects: list[object]
    tokens: dict[str, str]
    refusals: dict[str, str]


def _refuse(words: str, code: int = 1) -> int:
    sys.stderr.write(f"{words}\n")
    return code


def _environment(pid: int) -> Mapping[str, str]:
    pairs = (item.partition(b"=") for item in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if item)
    return {name.decode(): value.decode() for name, _, value in pairs}


def _execute(replica: Replica, command: Sequence[str]) -> int:
    pid = json.loads(Path(replica["state"]).read_text(encoding="utf-8"))["processes"][replica["pod"]]["pid"]
    environment = {**_environment(pid), **replica["settings"]}
    program = {"python": sys.executable}[command[0]]
    code = subprocess.run([program, *command[1:]], env=environment, cwd=f"/proc/{pid}/cwd", check=False).returncode
    return _refuse(f"command terminated with exit code {code}", code) if code else 0


def main(words: Sequence[str], cluster: Cluster) -> int:
    """Do what kubectl would."""
    replicas = {replica["name"]: replica for replica in cluster["replicas"]}
    if list(words[:2]) != ["--namespace", cluster["namespace"]]:
        return 0 if "--ignore-not-found" in words else _refuse("No resources found")
    match list(words[2:]):
        case ["get", "configmap", name, "--ignore-not-found", "--output", "json"]:
            sys.stdout.write(json.dumps({"data": cluster["configmaps"][name]}))
        case ["get", "pods", "--selector", _, "--output", "json"]:
            sys.stdout.write(json.dumps({"items": cluster["objects"]}))
        case ["exec", name, "--container", "pod", "--", *command]:
            refusal = cluster["refusals"].get(name)
            return _refuse(refusal) if refusal else _execute(replicas[name], command)
        case ["create", "token", "machi-operator", "--audience", audience, "--duration", "10m"]:
            sys.stdout.write(cluster["tokens"][audience] + "\n")
        case ["port-forward", "--address", "127.0.0.1", place, ":9090"]:
            port = replicas[place.removeprefix("pod/")]["rpc"]
            sys.stdout.write(f"Forwarding from 127.0.0.1:{port} -> 9090\n")
            sys.stdout.flush()
            signal.pause()
        case other:
            return _refuse(f"error: unknown command {other}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], json.loads(Path(os.environ["KUBECTL_CLUSTER"]).read_text(encoding="utf-8"))))
