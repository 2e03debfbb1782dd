"""The running pods answer as their OpenAPI descriptions say, whatever they are asked: schemathesis, all its checks."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import CheckFunction, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.architecture.house import ROOT, in_the_stack

pytestmark = [pytest.mark.integration, pytest.mark.stack]

EXAMPLES = 20
# No schema can say what the JSON inside a form's field has to be, so a text that fits may still be refused.
UNTELLABLE: dict[str, list[CheckFunction]] = {"interactivity": [positive_data_acceptance]}
SHARED = "libs/common"
APIOperation = schemathesis.APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
Sign = Callable[[bytes], dict[str, str]]
DESCRIBED = sorted(str(path.parent.relative_to(ROOT)) for path in ROOT.glob("services/*/openapi.yaml"))


@dataclass
class Surface:
    """A pod's HTTP side, and how a platform signs what it sends there; counts what was answered."""

    base: str
    sign: Sign
    statuses: dict[int, int] = field(default_factory=dict)

    def hold(self, operation: APIOperation, mode: GenerationMode, *, signed: bool) -> None:
        """Ask some two dozen times; raises for an answer that is not described, and for a 5xx."""

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            self._ask(case, signed=signed)

        ask()

    def _ask(self, case: Case, *, signed: bool) -> None:
        asked = requests.Request(**case.as_transport_kwargs(base_url=self.base)).prepare()
        if signed and not _of_wrong_headers(case):
            body = asked.body or b""
            asked.headers.update(self.sign(body.encode() if isinstance(body, str) else cast("bytes", body)))
        with requests.Session() as session:
            session.trust_env = False
            answer = session.send(asked, timeout=30)
        assert answer.status_code < 500, answer.status_code
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        operation = str(case.operation.definition.raw["operationId"])
        case.validate_response(answer, excluded_checks=UNTELLABLE.get(operation))


def _of_wrong_headers(case: Case) -> bool:
    """Whether headers are what is wrong about it: a signature would put them right."""
    made = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
    return made is not None and made.mode is GenerationMode.NEGATIVE


def operations(folder: str) -> Iterator[APIOperation]:
    """Every operation of a description."""
    schema = schemathesis.openapi.from_path(str(ROOT / folder / "openapi.yaml"))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


@pytest.fixture
def surfaces(stack: Path) -> dict[str, Surface]:
    """Every pod's, with the secrets the simulator signs with."""
    addresses = json.loads((stack / "state.json").read_text())["pods"]
    secrets = json.loads((stack / "secrets.json").read_text())

    def line(body: bytes) -> dict[str, str]:
        digest = hmac.new(secrets["LINE_CHANNEL_SECRET"].encode(), body, hashlib.sha256).digest()
        return {"x-line-signature": base64.b64encode(digest).decode()}

    def slack(body: bytes) -> dict[str, str]:
        moment = str(int(time.time()))
        said = b"v0:" + moment.encode() + b":" + body
        digest = hmac.new(secrets["SLACK_SIGNING_SECRET"].encode(), said, hashlib.sha256).hexdigest()
        return {"x-slack-request-timestamp": moment, "x-slack-signature": f"v0={digest}"}

    signs: dict[str, Sign] = {"channel-line": line, "channel-slack": slack}
    return {
        each["name"]: Surface(f"http://{each['http']}", signs.get(each["name"], lambda _: {})) for each in addresses
    }


@pytest.mark.parametrize("folder", DESCRIBED)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_signed_requests_get_documented_answers(
    surfaces: dict[str, Surface], folder: str, mode: GenerationMode
) -> None:
    surface = surfaces[Path(folder).name]
    for operation in operations(folder):
        surface.hold(operation, mode, signed=True)
    assert surface.statuses


@pytest.mark.parametrize("folder", ["services/channel-line", "services/channel-slack"])
def test_what_no_platform_signed_is_let_in_nowhere(surfaces: dict[str, Surface], folder: str) -> None:
    surface = surfaces[Path(folder).name]
    for operation in operations(folder):
        surface.hold(operation, GenerationMode.POSITIVE, signed=False)
    assert set(surface.statuses) <= {400, 401, 404}


@pytest.mark.parametrize("pod", [service.name for service in in_the_stack()])
def test_every_pod_says_how_it_is(surfaces: dict[str, Surface], pod: str) -> None:
    for operation in operations(SHARED):
        surfaces[pod].hold(operation, GenerationMode.POSITIVE, signed=False)
    assert set(surfaces[pod].statuses) == {200}
