"""Where pods run: on this machine, or as a release in a cluster; asked with the same words, answering the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import typer
from pydantic import TypeAdapter

from machi.reports.v1 import report_service_pb2 as reports_pb2
from machi.reports.v1 import report_service_pb2_grpc as reports_grpc
from machi_sdk.rpc import Peers
from machi_tools.cluster.kubectl import Kubectl
from machi_tools.cluster.release import Release
from machi_tools.errors import StackError
from machi_tools.operator import DEADLINE, Operator
from machi_tools.rows import Rows
from machi_tools.stack.layout import find_layout
from machi_tools.topic_view import TopicView

Shape = TypeVar("Shape")
IDENTITY, REPORTS = "identity", "reports"


class Place(Protocol):
    """What an operator asks of the pods, wherever they run."""

    async def pods(self) -> list[str]:
        """Every pod by name."""
        ...

    async def ask(self, pod: str, verb: str, *words: str) -> Sequence[object]:
        """A pod's answer to a verb of `machi_sdk.operating`; StackError when it has none."""
        ...

    def operator(self, *pods: str) -> AbstractAsyncContextManager[Operator]:
        """Who may ask these pods by rpc."""
        ...

    async def topics(self) -> list[TopicView]:
        """The topics beside what is wanted."""
        ...


@dataclass(frozen=True)
class Hop:
    """One place a message passed."""

    at: datetime
    pod: str
    name: str
    detail: dict[str, str]


@dataclass(frozen=True)
class _Passed:
    at: datetime
    name: str
    detail: dict[str, str]


@dataclass(frozen=True)
class Heard(Generic[Shape]):
    """What pods answered, and why others did not."""

    by_pod: dict[str, list[Shape]]
    silent: tuple[StackError, ...] = ()


def place(context: typer.Context) -> Place:
    """The release in the namespace that follows `machi -n`, or the stack on this machine."""
    return Release(Kubectl(str(context.obj))) if context.obj else Rows(find_layout())


async def answers(place: Place, pod: str, shape: type[Shape], verb: str, *words: str) -> list[Shape]:
    """A pod's answers to a verb, read as what they are."""
    adapter = TypeAdapter(shape)  # once: it takes longer to make than an answer to read
    return [adapter.validate_python(answer) for answer in await place.ask(pod, verb, *words)]


async def ask_each(place: Place, shape: type[Shape], verb: str, *words: str) -> Heard[Shape]:
    """The same asked of every pod; StackError when none answers."""
    by_pod: dict[str, list[Shape]] = {}
    silent: list[StackError] = []

    async def one(pod: str) -> None:
        try:
            by_pod[pod] = await answers(place, pod, shape, verb, *words)
        except StackError as error:
            silent.append(error)

    pods = await place.pods()
    await asyncio.gather(*(one(pod) for pod in pods))
    if silent and not by_pod:
        raise silent[0]
    return Heard({pod: by_pod[pod] for pod in pods if pod in by_pod}, tuple(silent))


async def ask_registry(place: Place, question: Callable[[Operator], Awaitable[Shape]], tenant: str = "") -> Shape:
    """Ask identity, with the operator's credential; about the release's first tenant when none is named."""
    async with place.operator(IDENTITY) as operator:
        return await question(operator.of(tenant))


async def trace_of(place: Place, case_number: str, tenant: str = "") -> str:
    """The trace id of a tenant's case; Missing when it has no such case."""
    request = reports_pb2.FindCaseRequest(case_number=case_number)

    async def ask(peers: Peers, tenant: tuple[tuple[str, str], ...]) -> str:
        stub = reports_grpc.ReportServiceStub(peers.channel(REPORTS))
        return str((await stub.FindCase(request, timeout=DEADLINE, metadata=tenant)).trace_id)

    async with place.operator(REPORTS) as operator:
        return await operator.of(tenant).ask(ask)


async def hops_of(place: Place, trace_id: str) -> tuple[list[Hop], tuple[StackError, ...]]:
    """The way of one trace through all pods, in order of time, and who could not be asked; none of no trace."""
    if not trace_id:
        return [], ()
    heard = await ask_each(place, _Passed, "hops", trace_id)
    hops = [Hop(passed.at, pod, passed.name, passed.detail) for pod, way in heard.by_pod.items() for passed in way]
    return sorted(hops, key=lambda hop: hop.at), heard.silent
