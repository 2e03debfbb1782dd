"""As much of Kubernetes' pods as an operator's command reads, and what it makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field

from machi_tools.errors import StackError

NAME = "app.kubernetes.io/name"


class _Metadata(BaseModel):
    name: str
    labels: dict[str, str] = {}
    deleted: str | None = Field(default=None, alias="deletionTimestamp")


class _Variable(BaseModel):
    name: str
    value: str = ""


class _Container(BaseModel):
    name: str
    env: list[_Variable] = []


class _Spec(BaseModel):
    containers: list[_Container] = []


class _Reason(BaseModel):
    reason: str = ""


class _State(BaseModel):
    running: dict[str, object] | None = None
    waiting: _Reason | None = None
    terminated: _Reason | None = None


class _ContainerStatus(BaseModel):
    ready: bool = False
    restarts: int = Field(default=0, alias="restartCount")
    state: _State = _State()


class _Condition(BaseModel):
    type: str
    status: str
    reason: str = ""


class _Status(BaseModel):
    phase: str = "Unknown"
    address: str = Field(default="", alias="podIP")
    containers: list[_ContainerStatus] = Field(default=[], alias="containerStatuses")
    conditions: list[_Condition] = []


class PodObject(BaseModel):
    """A pod of Kubernetes."""

    metadata: _Metadata
    spec: _Spec = _Spec()
    status: _Status = _Status()

    @property
    def leaving(self) -> bool:
        """Whether it is on its way out."""
        return self.metadata.deleted is not None


@dataclass(frozen=True)
class Replica:
    """One replica of one pod of the city; `trouble` says why it does not run."""

    name: str
    pod: str
    namespace: str
    running: bool
    ready: bool
    restarts: int
    address: str
    settings: Mapping[str, str]
    trouble: str = ""

    @property
    def see(self) -> str:
        """Where to look further."""
        return f"see `kubectl -n {self.namespace} logs {self.name}`"

    def absent(self) -> StackError:
        """That it does not run, as a line for people."""
        cure = f"`kubectl -n {self.namespace} describe pod {self.name}` says why; {self.see}, also with --previous"
        return StackError(f"{self.name} does not run: {self.trouble}", cure)


def replica_of(found: PodObject, namespace: str) -> Replica:
    """What counts of a pod."""
    status = next(iter(found.status.containers), _ContainerStatus())
    variables = (variable for container in found.spec.containers[:1] for variable in container.env)
    running = found.status.phase == "Running" and status.state.running is not None
    return Replica(
        name=found.metadata.name,
        pod=found.metadata.labels.get(NAME, found.metadata.name),
        namespace=namespace,
        running=running,
        ready=running and status.ready,
        restarts=status.restarts,
        address=found.status.address,
        settings={variable.name: variable.value for variable in variables},
        trouble="" if running else _trouble(found.status, status),
    )


def _trouble(pod: _Status, container: _ContainerStatus) -> str:
    told = container.state.waiting or container.state.terminated or _Reason()
    unmet = (condition.reason for condition in pod.conditions if condition.status == "False" and condition.reason)
    return told.reason or next(unmet, "") or pod.phase
