import json
import socket
import time
from collections.abc import Iterator

import aiohttp
import grpc
import pytest
from looking import OFFICER
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from machi_simulator.config import Config
from machi_simulator.testing import Simulator, running
from machi_simulator.traces import receiver as receiving
from machi_simulator.traces.receiver import Receiver
from machi_simulator.traces.store import MOST_SPANS, MOST_TRACES, Span, Traces

TRACE = bytes(range(16))
SILENT = "The pods send no traces here"
MS = 1_000_000


def batch(*spans: tuple[str, str, int, int], event: str = "", trace: bytes = TRACE) -> ExportTraceServiceRequest:
    """What pods send: (pod, name, begin, end) of each span, in milliseconds from now."""
    found, now = ExportTraceServiceRequest(), time.time_ns()
    for pod, name, begin, end in spans:
        resource = found.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = pod
        span = resource.scope_spans.add().spans.add(trace_id=trace, name=name)
        span.start_time_unix_nano, span.end_time_unix_nano = now + begin * MS, now + end * MS
        if event and name.endswith(" inbound"):
            span.attributes.add(key="event_id").value.string_value = event
    return found


WAY = (
    ("channel-line", "line webhook", 0, 3),
    ("channel-line", "channel-line.inbound process", 10, 14),
    ("channel-line", "line inbound", 20, 80),
    ("identity", "machi.identity.v1.IdentityService/Resolve", 22, 25),
    ("reports", "machi.dialogue.v1.DialogueService/Turn", 30, 60),
    ("channel-line", "line reply", 62, 78),
    ("channel-slack", "show card", 90, 120),
)


@pytest.fixture
def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def config(config: Config, address: str) -> Config:
    return config.model_copy(update={"simulator_traces_address": address})


async def send(address: str, request: ExportTraceServiceRequest) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        await TraceServiceStub(channel).Export(request, timeout=10)  # type: ignore[no-untyped-call]


async def steps(simulator: Simulator, user: str) -> list[str]:
    address = f"{simulator.url}/timeline/hops.json?user={user}"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        hops: list[dict[str, str]] = json.loads(await answer.text())["hops"]
    return [hop["step"] for hop in hops]


async def test_the_last_message_shows_its_hops(simulator: Simulator, address: str) -> None:
    user = await simulator.line.create()
    await simulator.line.follow(user)
    sent = await simulator.line.say(user, "だれにも見せない言葉")

    async def tried() -> bool:
        return await steps(simulator, user) == ["sent"]

    await simulator.until(tried)
    await send(address, batch(*WAY, event=sent.event))
    expected = ["sent", "webhook", "kafka", "stored", "inbound", "resolve", "turn", "reply", "card"]
    assert sorted(await steps(simulator, user)) == sorted(expected)
    english = {"accept-language": "en"}
    shown_at = f"{simulator.url}/timeline/?user={user}"
    async with aiohttp.ClientSession(headers=english) as session, session.get(shown_at) as page:
        html = await page.text()
    for shown in ("Through Kafka", "Resolve", "Turn", "Card", "channel-slack", "30.0 ms"):
        assert shown in html
    assert "だれにも見せない言葉" not in html
    assert SILENT not in html


async def test_work_on_many_records_at_once_is_a_hop_of_each(simulator: Simulator, address: str) -> None:
    user = await simulator.line.create()
    sent = await simulator.line.follow(user)
    await send(address, batch(*WAY[:1], *WAY[2:], event=sent.event))
    together = batch(WAY[1], trace=bytes(16))
    for each in (TRACE, bytes(reversed(TRACE))):
        together.resource_spans[0].scope_spans[0].spans[0].links.add(trace_id=each)
    await send(address, together)
    assert "stored" in await steps(simulator, user)


async def test_a_trace_without_an_event_is_known_by_its_time_and_never_guessed(
    simulator: Simulator, address: str, channel: str
) -> None:
    await simulator.slack.command(OFFICER, channel, "/machi", "")
    [command] = await simulator.webhooks(kind="commands")
    assert await steps(simulator, OFFICER) == ["sent"]

    def door() -> tuple[str, str, int, int]:
        offset = int((command.attempts[0].at - time.time()) * 1000) - 20  # clocks may differ a little
        return "channel-slack", "slack webhook", offset, offset + 1

    await send(address, batch(door()))
    assert sorted(await steps(simulator, OFFICER)) == ["sent", "webhook"]
    await send(address, batch(door(), trace=bytes(16)))
    assert await steps(simulator, OFFICER) == ["sent"]


def test_memory_is_bounded() -> None:
    traces = Traces()
    for at in range(MOST_TRACES + 50):
        traces.add(Span(f"t{at}", "pod", "line inbound", at, at + 1, event=f"e{at}"))
    assert traces.of_event("e0") == []
    assert len(traces.of_event(f"e{MOST_TRACES + 49}")) == 1
    for at in range(MOST_SPANS + 50):
        traces.add(Span("long", "pod", "x", at, at, event="long"))
    assert len(traces.of_event("long")) == MOST_SPANS


@pytest.fixture
def listening(address: str) -> Iterator[tuple[Receiver, Traces]]:
    traces = Traces()
    found = Receiver(traces, lambda: None)
    found.open(address)
    yield found, traces
    found.close()


async def test_more_than_it_can_afford_is_left_out_and_waited_for(
    listening: tuple[Receiver, Traces], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, traces = listening
    small = batch(*WAY, event="first")
    monkeypatch.setattr(receiving, "BURST", float(small.ByteSize()) * 1.5)
    monkeypatch.setattr(receiving, "BYTES_A_SECOND", float(small.ByteSize()))
    await send(address, small)
    assert len(traces.of_event("first")) == len(WAY)
    began = time.monotonic()
    await send(address, batch(*WAY, event="second", trace=bytes(16)))
    assert traces.of_event("second") == []
    assert receiver.left_out == 1
    assert time.monotonic() - began > 0.3


async def test_nothing_listens_unless_it_is_told_where() -> None:
    async with running(Config()) as simulator, aiohttp.ClientSession(headers={"accept-language": "en"}) as session:
        assert not Config().simulator_traces_address
        async with session.get(f"{simulator.url}/timeline/") as page:
            assert SILENT in await page.text()


async def test_pods_that_send_their_spans_elsewhere_are_told_of_until_one_comes(config: Config, address: str) -> None:
    told = config.model_copy(update={"simulator_traces": "off"})
    english = {"accept-language": "en"}
    async with running(told) as simulator, aiohttp.ClientSession(simulator.url, headers=english) as session:
        async with session.get("/timeline/") as page:
            assert SILENT in await page.text()
        await send(address, batch(*WAY))
        async with session.get("/timeline/") as page:
            assert SILENT not in await page.text()
