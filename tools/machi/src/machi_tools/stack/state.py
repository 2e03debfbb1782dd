"""What runs, written by the supervisor and read by every other command."""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from machi_tools.embedded.process import Identity

Phase = Literal["starting", "ready", "failed", "stopping"]


class Step(BaseModel):
    """One thing to do on the way to ready."""

    name: str
    title: str
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    seconds: float = 0.0
    detail: str = ""


class Process(BaseModel):
    """A process of this stack and how often it had to be started again."""

    pid: int
    started: float
    restarts: int = 0

    def identity(self) -> Identity:
        """The process, told apart from a later one with the same pid."""
        return Identity(self.pid, self.started)


class Failure(BaseModel):
    """Why the stack did not come up."""

    what: str
    cure: str
    log: str = ""


class PodAddresses(BaseModel):
    """Where one pod listens."""

    name: str
    http: str
    rpc: str


class Servers(BaseModel):
    """The servers under the pods; `own` says that this stack started them."""

    postgres: str
    postgres_own: bool
    kafka: str
    kafka_own: bool


class State(BaseModel):
    """Everything that other commands need to know about a running stack."""

    supervisor: Process
    release: str = "machi"
    tenant: str = "fukuoka"
    phase: Phase = "starting"
    steps: list[Step] = []
    failure: Failure | None = None
    processes: dict[str, Process] = {}
    pods: list[PodAddresses] = []
    servers: Servers
    simulator: str = ""
    webhooks: dict[str, str] = {}
    slack_team: str = ""
    notes: list[str] = []
    settings: dict[str, str] = {}
    manifests: dict[str, str] = {}

    def pod(self, name: str) -> PodAddresses | None:
        """One pod's addresses, or None."""
        return next((pod for pod in self.pods if pod.name == name), None)

    def is_running(self) -> bool:
        """True while the supervisor that wrote this lives."""
        return self.supervisor.identity().find() is not None


def read_state(path: Path) -> State | None:
    """The last written state, or None."""
    try:
        return State.model_validate_json(path.read_text())
    except (OSError, ValidationError):
        return None


def write_state(path: Path, state: State) -> None:
    """Replace the state in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(state.model_dump_json(indent=1))
    unfinished.rename(path)
