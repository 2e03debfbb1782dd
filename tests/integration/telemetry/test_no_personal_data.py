"""What people said stays out of logs, metrics, spans, and operators' views, also when something goes wrong."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from machi_simulator.faults import Fault
from tests.city import City, ResidentAtPhone, machi
from tests.parked import Poison, drop_all, set_aside, writer
from tests.story import OFFICER_HAKATA, number_in, photo, submit

pytestmark = [pytest.mark.integration, pytest.mark.stack]
INBOUND = "machi.line.inbound.v1"
POISON = {"ce_id": "poison-telemetry", "ce_type": "machi.channel.v1.InboundEvent", "ce_tenant": "fukuoka"}


class Collector(TraceServiceServicer):
    """Stands in for an OpenTelemetry collector: keeps every span it is sent."""

    def __init__(self) -> None:
        self.received: list[otlp.ExportTraceServiceRequest] = []

    async def Export(
        self,
        request: otlp.ExportTraceServiceRequest,
        context: grpc.aio.ServicerContext[otlp.ExportTraceServiceRequest, otlp.ExportTraceServiceResponse],
    ) -> otlp.ExportTraceServiceResponse:
        self.received.append(request)
        return otlp.ExportTraceServiceResponse()

    def everything(self) -> bytes:
        """All that was sent; text lies in it as it is."""
        return b"".join(each.SerializeToString() for each in self.received)

    def pods_of(self, trace_id: str) -> set[str]:
        """The pods with a span in that trace."""
        return {
            attribute.value.string_value
            for request in self.received
            for each in request.resource_spans
            for attribute in each.resource.attributes
            if attribute.key == "service.name"
            and any(span.trace_id.hex() == trace_id for scope in each.scope_spans for span in scope.spans)
        }


@dataclass
class Planted:
    """Words that are nowhere else in the world, each put where a person would write something."""

    words: dict[str, str] = field(default_factory=dict)

    def __call__(self, where: str) -> str:
        self.words[where] = f"planted-{secrets.token_hex(6)}"
        return self.words[where]

    def found_in(self, content: bytes) -> list[str]:
        """Where the words that stand in `content` were planted."""
        return [where for where, word in self.words.items() if word.encode() in content]


@asynccontextmanager
async def traced(city: City) -> AsyncIterator[Collector]:
    """Every pod sends its spans to a collector; at the end all of them are there, and the pods as before."""
    server, collector = grpc.aio.server(), Collector()
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    pods = list(city.http())
    endpoint = f"http://127.0.0.1:{port}"
    try:
        await asyncio.gather(*(city.restart(pod, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) for pod in pods))
        yield collector
    finally:
        await asyncio.gather(*(city.restart(pod) for pod in pods))
        await server.stop(None)


async def file(resident: ResidentAtPhone, planted: Planted) -> str:
    """File a report with something planted in every answer; returns its case number."""
    await resident.say("通報")
    await resident.press("道路・歩道")
    await resident.press("穴・ひび割れ")
    await resident.say(f"博多区 {planted('place')} 1-2-3")
    await resident.upload(photo(camera=planted("photo")))
    await resident.say(f"歩道に穴があります {planted('words')}")
    await resident.press("はい、受け取る")
    await falter(resident.city, "/line/v2/bot/message/reply", "/slack/api/chat.postMessage")
    return number_in(await resident.press("送る", 30))


async def falter(city: City, *paths: str) -> None:
    """Let both platforms refuse once: what goes wrong is what gets written about."""
    for path in paths:
        await city.simulator.plan(Fault(path=path, kind="status", status=500))


async def talk(city: City, resident: ResidentAtPhone, number: str, planted: Planted) -> None:
    """Question, answer, and the end of the case."""
    card = await city.card(number)
    await falter(city, "/line/v2/bot/message/push", "/slack/api/chat.postMessage", "/slack/api/chat.update")
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, card, "ask", words=f"どこですか {planted('question')}")
    await resident.hears(before, 30)
    before = await resident.last()
    await city.simulator.slack.say(OFFICER_HAKATA, card.channel, f"急ぎです {planted('thread')}", card.ts)
    await resident.hears(before, 30)
    answer = planted("answer")
    await resident.say(f"角です {answer}")

    async def answered() -> bool:
        return any(answer in words for words in await city.thread(card))

    await city.until(answered, what="the answer did not reach the card's thread")
    before = await resident.last()
    note = planted("note")
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words=f"直しました {note}")
    assert note in await resident.hears(before, 30)


async def metrics(city: City) -> bytes:
    """The metrics pages of all pods."""
    async with aiohttp.ClientSession() as session:
        pages = [await (await session.get(f"{url}/metrics")).read() for url in city.http().values()]
    return b"".join(pages)


def logs(city: City) -> bytes:
    """Everything that pods and servers have said; the simulator is not ours in a real city."""
    return b"".join(path.read_bytes() for path in (city.state / "log").glob("*.log*") if path.stem != "simulator")


async def test_nothing_personal_in_what_operators_see(city: City) -> None:
    planted = Planted()
    async with traced(city) as collector:
        resident = await city.resident()
        planted.words["LINE user"] = resident.user
        number = await file(resident, planted)
        await talk(city, resident, number, planted)
        async with writer(city) as kafka:
            content = planted("parked")
            await Poison(POISON, b"\xff" + content.encode(), content.encode()).put(kafka, INBOUND)
        [(pod, record)] = await set_aside(city, 1)
        views = [
            machi(city.state, "trace", number, "--json"),
            machi(city.state, "dlq", "list"),
            machi(city.state, "dlq", "show", pod, str(record.id)),
            machi(city.state, "outbox", "--json"),
            machi(city.state, "topics", "--json"),
            machi(city.state, "tenants", "--json"),
            json.dumps(city.doctor()),
        ]
        measured = await metrics(city)
    await drop_all(city)

    credentials = json.loads((city.state / "secrets.json").read_text())
    planted.words |= {name: str(secret) for name, secret in credentials.items() if len(str(secret)) > 12}
    said, spans, seen = logs(city), collector.everything(), "".join(views).encode()
    # Each place was looked at: this very case, and what went wrong with it, stand there.
    trace_id = str(json.loads(views[0])["trace_id"])
    assert collector.pods_of(trace_id) == set(city.http()), "a pod is missing in the trace"
    assert b"poison-telemetry" in said
    assert trace_id.encode() in said
    assert b'machi_turn_seconds_count{input="photo"' in measured
    assert b"poison-telemetry" in seen
    for place, told in {"logs": said, "metrics": measured, "spans": spans, "views": seen}.items():
        assert planted.found_in(told) == [], f"personal data in {place}"
