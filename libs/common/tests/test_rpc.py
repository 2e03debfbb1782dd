"""Between pods: who may call, until when, and what an error means on the other side."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY as METRICS
from wire import wire_to

from machi.dialogue.v1 import dialogue_service_pb2 as dialogue
from machi.dialogue.v1.dialogue_service_pb2_grpc import (
    DialogueServiceServicer,
    DialogueServiceStub,
    add_DialogueServiceServicer_to_server,
)
from machi.pods.v1 import pod_registry_service_pb2 as pods
from machi.pods.v1.pod_registry_service_pb2_grpc import (
    PodRegistryServiceServicer,
    PodRegistryServiceStub,
    add_PodRegistryServiceServicer_to_server,
)
from machi_sdk.errors import Conflict, Denied, Invalid, MachiError, Missing, Unavailable
from machi_sdk.manifest import Calls, Manifest, Serves
from machi_sdk.rpc import Call, Peers, client, current_call, for_tenant, mapped
from machi_sdk.telemetry import current_trace_id, span
from machi_sdk.testing import LocalIssuer, LocalRelease, wait_until

if TYPE_CHECKING:
    from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceAsyncStub

REGISTRY = "machi.pods.v1.PodRegistryService"
DIALOGUE = "machi.dialogue.v1.DialogueService"
CALLEE = Manifest(
    name="callee",
    version="1",
    owner="sdk",
    serves=(
        Serves(service=REGISTRY, operator_only=("InstallPod", "UninstallPod")),
        Serves(service=DIALOGUE),
    ),
)
CALLER = Manifest(name="caller", version="1", owner="sdk", calls=(Calls(pod="callee", services=(REGISTRY, DIALOGUE)),))
STRANGER = Manifest(name="stranger", version="1", owner="sdk", calls=(Calls(pod="other", services=(REGISTRY,)),))
FUKUOKA = for_tenant("fukuoka")
Answer = Callable[[], Awaitable[None]]


@dataclasses.dataclass
class Registry(PodRegistryServiceServicer):
    """Answers as the test says, and remembers who called."""

    answer: Answer | None = None
    calls: list[Call] = dataclasses.field(default_factory=list)
    traces: list[str] = dataclasses.field(default_factory=list)
    ended: list[str] = dataclasses.field(default_factory=list)

    async def ListPods(self, request: pods.ListPodsRequest, context: object) -> pods.ListPodsResponse:
        self.calls.append(current_call())
        self.traces.append(current_trace_id())
        try:
            if self.answer is not None:
                await self.answer()
        finally:
            self.ended.append("ended")
        return pods.ListPodsResponse()

    async def InstallPod(self, request: pods.InstallPodRequest, context: object) -> pods.InstallPodResponse:
        self.calls.append(current_call())
        return pods.InstallPodResponse(changed=True)

    async def UninstallPod(self, request: pods.UninstallPodRequest, context: object) -> pods.UninstallPodResponse:
        raise NotImplementedError


class Media(DialogueServiceServicer):
    """Echoes photos, and refuses the one called "missing"."""

    async def Turn(self, request: dialogue.TurnRequest, context: object) -> dialogue.TurnResponse:
        raise NotImplementedError

    async def Card(self, request: dialogue.CardRequest, context: object) -> dialogue.CardResponse:
        raise NotImplementedError

    async def Board(self, request: dialogue.BoardRequest, context: object) -> dialogue.BoardResponse:
        raise NotImplementedError

    async def PutMedia(
        self,
        request_iterator: AsyncIterator[dialogue.PutMediaRequest],
        context: object,
    ) -> dialogue.PutMediaResponse:
        size = sum([len(part.chunk) async for part in request_iterator])
        if size == 0:
            raise Invalid("empty")
        return dialogue.PutMediaResponse(media_id=f"{current_call().tenant}/{size}")

    async def GetMedia(
        self,
        request: dialogue.GetMediaRequest,
        context: object,
    ) -> AsyncIterator[dialogue.GetMediaResponse]:
        if request.media_id == "missing":
            raise Missing("media-unknown")
        for _ in range(3):
            yield dialogue.GetMediaResponse(chunk=current_call().tenant.encode())


@pytest.fixture
async def registry(release: LocalRelease) -> Registry:
    servicer = Registry()
    await release.serve(CALLEE, add_PodRegistryServiceServicer_to_server, servicer)
    await release.serve(CALLEE, add_DialogueServiceServicer_to_server, Media())
    await release.install(CALLER)
    return servicer


def stub_of(peers: Peers) -> "PodRegistryServiceAsyncStub":
    return PodRegistryServiceStub(peers.channel("callee"))


async def list_pods(peers: Peers, tenant: str = "fukuoka", seconds: float = 5) -> pods.ListPodsResponse:
    return await stub_of(peers).ListPods(pods.ListPodsRequest(), timeout=seconds, metadata=for_tenant(tenant))


async def test_a_declared_caller_is_known_by_name_tenant_and_trace(release: LocalRelease, registry: Registry) -> None:
    with span("a message"):
        await list_pods(release.peers("caller"), "sapporo")
        assert registry.traces == [current_trace_id()]
    assert registry.calls == [Call("caller", "sapporo")]


async def test_pods_are_called_past_every_proxy(
    release: LocalRelease, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    await list_pods(release.peers("caller"))
    assert len(registry.calls) == 1


async def test_a_caller_that_is_not_installed_or_does_not_declare_the_call_is_refused(
    release: LocalRelease, registry: Registry
) -> None:
    with pytest.raises(Unavailable, match="may not call"):
        await list_pods(release.peers("stranger"))
    await release.install(STRANGER)
    with pytest.raises(Unavailable) as refused:
        await list_pods(release.peers("stranger"))
    assert refused.value.slug == "caller-not-declared"
    await release.installed.drop("caller")
    with pytest.raises(Unavailable):
        await list_pods(release.peers("caller"))
    assert registry.calls == []


async def test_who_calls_before_the_manifests_are_read_is_put_off_and_not_refused(
    release: LocalRelease, registry: Registry
) -> None:
    await release.installed.drop("caller")
    release.installed.read_whole = False
    with pytest.raises(Unavailable, match="manifests-not-read"):
        await list_pods(release.peers("caller"))
    await release.install(CALLER)
    with pytest.raises(Unavailable, match="manifests-not-read"):
        await list_pods(release.peers("caller"))
    release.installed.read_whole = True
    await list_pods(release.peers("caller"))
    assert registry.calls == [Call("caller", "fukuoka")]


async def test_a_service_that_the_manifest_does_not_serve_is_refused(release: LocalRelease) -> None:
    silent = CALLEE.model_copy(update={"serves": ()})
    await release.serve(silent, add_PodRegistryServiceServicer_to_server, Registry())
    await release.install(CALLER)
    with pytest.raises(Unavailable) as refused:
        await list_pods(release.peers("caller"))
    assert refused.value.slug == "not-served"


@pytest.mark.parametrize("stolen", ["token of another callee", "token of another issuer", "expired", "garbage", "none"])
async def test_a_token_that_was_not_made_for_this_callee_is_refused(
    release: LocalRelease, registry: Registry, tmp_path: Path, stolen: str
) -> None:
    peers = release.peers("caller")
    tokens = {
        "token of another callee": release.issuer.token("caller", "other"),
        "token of another issuer": LocalIssuer(tmp_path / "other").token("caller", "callee"),
        "expired": release.issuer.token("caller", "callee", life_seconds=-60),
        "garbage": "a.b.c",
        "none": "",
    }
    (release.issuer.folder_of("caller") / "tokens" / "callee").write_text(tokens[stolen])
    with pytest.raises(Unavailable) as refused:
        await list_pods(peers)
    assert refused.value.slug == "token-refused"
    assert registry.calls == []


async def test_another_releases_token_is_refused(release: LocalRelease, registry: Registry) -> None:
    other = LocalIssuer(release.issuer.folder_of("callee").parent, release="staging")
    other._key = release.issuer._key
    peers = release.peers("caller")
    (release.issuer.folder_of("caller") / "tokens" / "callee").write_text(other.token("caller", "callee"))
    with pytest.raises(Unavailable):
        await list_pods(peers)
    assert registry.calls == []


async def test_only_the_operator_calls_what_is_the_operators(release: LocalRelease, registry: Registry) -> None:
    with pytest.raises(Unavailable):
        await stub_of(release.peers("caller")).InstallPod(pods.InstallPodRequest(), timeout=30, metadata=FUKUOKA)
    answer = await stub_of(release.peers("operator")).InstallPod(pods.InstallPodRequest(), timeout=30)
    assert answer.changed
    assert registry.calls == [Call("operator", "fukuoka")]


@pytest.mark.parametrize("metadata", [for_tenant("kitakyushu"), for_tenant(""), ()])
async def test_an_unknown_or_missing_tenant_is_refused(
    release: LocalRelease, registry: Registry, metadata: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(Unavailable) as refused:
        await stub_of(release.peers("caller")).ListPods(pods.ListPodsRequest(), timeout=30, metadata=metadata)
    assert refused.value.slug == "tenant-unknown"
    assert registry.calls == []


async def test_a_call_without_deadline_is_refused_on_both_sides(release: LocalRelease, registry: Registry) -> None:
    with pytest.raises(Invalid, match="timeout"):
        await stub_of(release.peers("caller")).ListPods(pods.ListPodsRequest(), metadata=FUKUOKA)
    token = ("authorization", f"Bearer {release.issuer.token('caller', 'callee')}")
    async with grpc.aio.insecure_channel(release.addresses["callee"]) as bare:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await PodRegistryServiceStub(bare).ListPods(pods.ListPodsRequest(), metadata=(*FUKUOKA, token))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert registry.calls == []


@pytest.mark.usefixtures("registry")
async def test_who_vanished_without_a_word_is_looked_for_anew(
    release: LocalRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = dict(client._OPTIONS)
    hasty = {name: int(str(value)) // 20 for name, value in options.items() if "keepalive" in name or "timeout" in name}
    monkeypatch.setattr(client, "_OPTIONS", [*(options | hasty).items()])
    async with wire_to(release.addresses["callee"]) as wire:
        release.issuer.allow("caller", "callee")
        peers = Peers({"callee": f"127.0.0.1:{wire.port}"}, release.issuer.keys_of("caller"))
        await list_pods(peers)
        wire.lose()

        async def answered() -> bool:
            with suppress(Unavailable):
                await list_pods(peers, seconds=0.3)
                return True
            return False

        await wait_until(answered)
        await peers.close()


async def test_a_call_that_got_no_answer_is_not_measured_as_good(release: LocalRelease, registry: Registry) -> None:
    def measured(code: str) -> float:
        labels = {"service": REGISTRY, "method": "ListPods", "code": code}
        return METRICS.get_sample_value("machi_rpc_client_seconds_count", labels) or 0.0

    peers = release.peers("caller")
    await list_pods(peers)
    good, given_up = measured("OK"), measured("CANCELLED")
    registry.answer = _never
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await list_pods(peers)
    with pytest.raises(Unavailable, match="no token"):
        await list_pods(Peers(release.addresses, release.issuer.keys_of("nobody")))
    assert (measured("OK"), measured("CANCELLED")) == (good, given_up + 1)


async def _never() -> None:
    await asyncio.Event().wait()


async def test_health_answers_anybody(release: LocalRelease, registry: Registry) -> None:
    assert registry.calls == []
    async with grpc.aio.insecure_channel(release.addresses["callee"]) as bare:
        answer = await health_pb2_grpc.HealthStub(bare).Check(health_pb2.HealthCheckRequest())  # type: ignore[attr-defined]
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


class _Own(Conflict):
    """A service's own kind of conflict."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Invalid("a-slug", "what to do"), Invalid),
        (Missing("a-slug", "what to do"), Missing),
        (Conflict("a-slug", "what to do"), Conflict),
        (_Own("a-slug", "what to do"), Conflict),
        (Denied("a-slug", "what to do"), Denied),
        (Unavailable("a-slug", "what to do"), Unavailable),
    ],
)
async def test_an_error_is_the_same_kind_on_the_other_side(
    release: LocalRelease, registry: Registry, error: MachiError, kind: type[MachiError]
) -> None:
    async def fail() -> None:
        raise error

    registry.answer = fail
    with pytest.raises(kind) as raised:
        await list_pods(release.peers("caller"))
    assert (raised.value.slug, raised.value.message) == ("a-slug", "what to do")


async def test_a_bug_in_the_callee_is_unavailable_and_keeps_its_words(
    release: LocalRelease, registry: Registry
) -> None:
    async def fail() -> None:
        raise ValueError("what a person wrote")

    registry.answer = fail
    with pytest.raises(Unavailable) as raised:
        await list_pods(release.peers("caller"))
    assert "person" not in raised.value.message


async def test_a_hung_callee_is_unavailable_at_the_deadline_and_let_go(
    release: LocalRelease, registry: Registry
) -> None:
    registry.answer = asyncio.Event().wait  # type: ignore[assignment]
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable) as late:
        await list_pods(release.peers("caller"), seconds=0.3)
    assert late.value.slug == "deadline-exceeded"
    assert 0.25 < asyncio.get_running_loop().time() - started < 1.0
    await wait_until(lambda: registry.ended)


async def test_a_callee_that_is_not_there_is_unavailable(release: LocalRelease, registry: Registry) -> None:
    peers = release.peers("caller")
    await release._servers["callee"].drain(0)
    with pytest.raises(Unavailable):
        await list_pods(peers, seconds=1)
    with pytest.raises(Unavailable):
        peers.channel("nobody")
    assert registry.calls == []


async def test_what_fails_in_passing_is_tried_again_within_the_deadline(
    release: LocalRelease, registry: Registry
) -> None:
    async def fail_once() -> None:
        if len(registry.calls) == 1:
            raise Unavailable("passing")

    registry.answer = fail_once
    await list_pods(release.peers("caller"))
    assert len(registry.calls) == 2


async def test_photos_stream_both_ways(release: LocalRelease, registry: Registry) -> None:
    assert registry.calls == []
    stub = DialogueServiceStub(release.peers("caller").channel("callee"))

    async def parts(count: int) -> AsyncIterator[dialogue.PutMediaRequest]:
        for _ in range(count):
            yield dialogue.PutMediaRequest(chunk=b"x" * 50_000)

    with mapped():
        stored = await stub.PutMedia(parts(10), timeout=30, metadata=FUKUOKA)
    assert stored.media_id == "fukuoka/500000"
    with pytest.raises(Invalid), mapped():
        await stub.PutMedia(parts(0), timeout=30, metadata=FUKUOKA)
    found = stub.GetMedia(dialogue.GetMediaRequest(media_id="one"), timeout=30, metadata=FUKUOKA)
    assert [part.chunk async for part in found] == [b"fukuoka"] * 3
    with pytest.raises(Missing), mapped():
        async for _ in stub.GetMedia(dialogue.GetMediaRequest(media_id="missing"), timeout=30, metadata=FUKUOKA):
            pass
