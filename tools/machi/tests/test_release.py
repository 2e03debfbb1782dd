"""What a Helm release's Jobs do: secrets made once, missing ones named, trust written down, tokens as files."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from machi_sdk.settings import Settings
from machi_tools.cluster.api import Kubernetes, connected
from machi_tools.cluster.applying import Given, release_manifests, release_topics
from machi_tools.cluster.preparing import Made, Plan, check_secrets, make_secrets, read_plan, write_trust
from machi_tools.errors import StackError, reason
from machi_tools.operator import in_a_cluster, operator_in_cluster
from machi_tools.stack.layout import ROOT
from machi_tools.stack.topics import ensure_topics

PLACE = "/api/v1/namespaces/city/{kind}"
ISSUER = "https://kubernetes.default.svc"
PLAN = Plan(
    release="machi",
    make=[
        Made(name="machi-keys", data={"address.key": "{hex64}"}),
        Made(
            name="machi-database",
            data={"administrator": "postgresql://postgres:{word}@db:5432/postgres", "reports": "x{hex32}"},
        ),
        Made(
            name="machi-db-a",
            type="kubernetes.io/basic-auth",
            data={"password": "{password:machi-database/administrator}"},
        ),
    ],
    need={"line": ["line_channel_secret"]},
)


class ApiServer:
    """As much of a Kubernetes API server as the Jobs ask; keeps what was written."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], dict[str, str]] = {}
        self.app = web.Application()
        self.app.add_routes(
            [
                web.get(PLACE + "/{name}", self._get),
                web.post(PLACE, self._post),
                web.patch(PLACE + "/{name}", self._patch),
                web.get("/.well-known/openid-configuration", self._issuer),
                web.get("/openid/v1/jwks", self._keys),
            ]
        )

    async def _get(self, request: web.Request) -> web.Response:
        found = self.kept.get((request.match_info["kind"], request.match_info["name"]))
        if found is None:
            raise web.HTTPNotFound
        return web.json_response(
            {"data": {key: base64.b64encode(word.encode()).decode() for key, word in found.items()}}
        )

    async def _post(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer of-the-job"
        body = await request.json()
        place = (request.match_info["kind"], body["metadata"]["name"])
        if place in self.kept:
            raise web.HTTPConflict
        self.kept[place] = dict(body.get("stringData") or body.get("data"))
        return web.json_response({}, status=201)

    async def _patch(self, request: web.Request) -> web.Response:
        body = await request.json()
        kept = self.kept[request.match_info["kind"], request.match_info["name"]]
        kept.update(body.get("stringData") or body.get("data"))
        return web.json_response({})

    async def _issuer(self, _request: web.Request) -> web.Response:
        return web.json_response({"issuer": ISSUER})

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": []})


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
async def kubernetes(server: ApiServer, tmp_path: Path) -> AsyncIterator[Kubernetes]:
    (tmp_path / "token").write_text("of-the-job\n", encoding="ascii")
    (tmp_path / "namespace").write_text("city", encoding="ascii")
    running = TestServer(server.app)
    await running.start_server()
    async with running, connected(tmp_path, str(running.make_url("")).rstrip("/")) as found:
        yield found


async def test_secrets_are_made_once_and_kept(kubernetes: Kubernetes, server: ApiServer) -> None:
    assert await make_secrets(kubernetes, PLAN) == ["machi-keys", "machi-database", "machi-db-a"]
    before = json.dumps(sorted(server.kept.items()))
    assert len(server.kept["secrets", "machi-keys"]["address.key"]) == 64
    database = server.kept["secrets", "machi-database"]["administrator"]
    assert f":{server.kept['secrets', 'machi-db-a']['password']}@" in database
    assert await make_secrets(kubernetes, PLAN) == []
    assert json.dumps(sorted(server.kept.items())) == before


async def test_a_new_pod_adds_its_passwords_and_changes_no_other(kubernetes: Kubernetes, server: ApiServer) -> None:
    await make_secrets(kubernetes, PLAN)
    before = dict(server.kept["secrets", "machi-database"])
    more = Plan(release="machi", make=[Made(name="machi-database", data={**PLAN.make[1].data, "idea-box": "{word}"})])
    assert await make_secrets(kubernetes, more) == ["machi-database"]
    assert server.kept["secrets", "machi-database"].items() > before.items()


async def test_every_missing_secret_is_named(kubernetes: Kubernetes, server: ApiServer) -> None:
    with pytest.raises(StackError, match=r"Secret line is missing \(with line_channel_secret\)"):
        await check_secrets(kubernetes, PLAN)
    for empty in ({"other": "x"}, {"line_channel_secret": "\n"}):
        server.kept["secrets", "line"] = empty
        with pytest.raises(StackError, match="Secret line has no line_channel_secret"):
            await check_secrets(kubernetes, PLAN)
    server.kept["secrets", "line"] = {"line_channel_secret": "x"}
    await check_secrets(kubernetes, PLAN)


async def test_whom_to_trust_is_written_again_and_again(kubernetes: Kubernetes, server: ApiServer) -> None:
    for _ in range(2):
        assert await write_trust(kubernetes, "machi") == ISSUER
    assert server.kept["configmaps", "machi-trust"] == {"issuer": ISSUER, "jwks.json": '{"keys": []}'}


async def test_a_refusal_is_said(kubernetes: Kubernetes) -> None:
    with pytest.raises(StackError, match="Kubernetes refuses GET /apis"):
        await kubernetes.text("/apis")


async def test_an_api_server_that_is_not_reached_is_told_with_a_cure(tmp_path: Path) -> None:
    for name in ("token", "namespace"):
        (tmp_path / name).write_text("x", encoding="ascii")
    with pytest.raises(StackError, match="Kubernetes does not answer: Cannot connect") as told:
        async with connected(tmp_path, "http://127.0.0.1:1") as found:
            await found.text("/version")
    assert "by global.networkPolicy.api" in told.value.cure


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert reason(TimeoutError()) == "TimeoutError"
    assert reason(OSError("no route")) == "no route"


async def test_outside_of_a_cluster_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no service account is mounted here"):
        async with connected(tmp_path):
            pass


def test_addresses_as_files(tmp_path: Path) -> None:
    for name in ("administrator", "administrator-word", "reports", "reports-owner"):
        (tmp_path / name).write_text(f"postgresql://r:word-of-{name}@db:5432/x\n", encoding="ascii")
    given = Given(tmp_path)
    assert given.pods() == ["reports"]
    assert given.word("database reports-owner") == "word-of-reports-owner"
    assert given.databases().pod_url("reports") == "postgresql://reports:word-of-reports@db:5432/reports"


def test_files_as_the_chart_brings_them(tmp_path: Path) -> None:
    (tmp_path / "manifest.reports.yaml").write_text("name: reports\n", encoding="utf-8")
    topic = ROOT / "protos" / "topics" / "machi.pods.v1.yaml"
    (tmp_path / f"topic.{topic.name}").write_bytes(topic.read_bytes())
    (tmp_path / "plan.json").write_text(PLAN.model_dump_json(), encoding="utf-8")
    assert release_manifests(tmp_path) == {"reports": "name: reports\n"}
    assert [found.name for found in release_topics(tmp_path)] == ["machi.pods.v1"]
    assert read_plan(tmp_path / "plan.json") == PLAN


async def test_where_kafka_wants_a_user_a_refusal_names_it() -> None:
    """aiokafka has the same words for a wrong password as for a broker that is away."""
    by_user = Settings(
        kafka_bootstrap_servers="127.0.0.1:1",
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_security_sasl_mechanism="SCRAM-SHA-512",
        kafka_security_username="machi-operator-kafka",
    )
    for settings, named in ((by_user, True), (Settings(kafka_bootstrap_servers="127.0.0.1:1"), False)):
        with pytest.raises(StackError, match=r"^Kafka at 127\.0\.0\.1:1 refuses") as refused:
            await ensure_topics(settings, [])
        assert ("the user machi-operator-kafka by this password" in refused.value.cure) is named


async def test_an_operators_tokens_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "identity").write_text("of-the-operator", encoding="ascii")
    operator = operator_in_cluster(Settings(machi_peers="identity=dns:///machi-registry:9090", machi_keys_dir=tmp_path))
    assert operator.addresses == {"identity": "dns:///machi-registry:9090"}
    assert operator.credential(["identity"]).token_for("identity") == "of-the-operator"
    assert not in_a_cluster()
    monkeypatch.setenv("MACHI_PEERS", "identity=x:1")
    monkeypatch.setenv("MACHI_KEYS_DIR", str(tmp_path))
    assert in_a_cluster()
