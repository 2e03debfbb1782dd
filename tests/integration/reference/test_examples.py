"""The reference's examples, run as they are printed against the running city."""

from collections.abc import AsyncIterator, Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from machi.pods.v1.events_pb2 import PodInstalled
from machi.reports.v1.report_service_pb2 import FindCaseRequest
from machi.reports.v1.report_service_pb2_grpc import ReportServiceStub
from machi_sdk.errors import Unavailable
from machi_sdk.keys import Keys
from machi_sdk.rpc import Peers
from machi_tools.operator import running
from machi_tools.stack.keys import Issuer
from machi_tools.stack.secrets import write_private
from tests.architecture.house import ROOT, in_the_stack
from tests.city import City
from tests.parked import layout
from tests.story import OFFICER_HAKATA, file_report

pytestmark = [pytest.mark.integration, pytest.mark.stack]
PAGES = ROOT / "docs" / "reference"
As = Callable[[str], Peers]


def example(name: str) -> ModuleType:
    """An example as the page shows it."""
    path = PAGES / "examples" / f"{name}.py"
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert f"```python\n{path.read_text(encoding='utf-8')}```" in page
    spec = spec_from_file_location(f"reference_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def called_as(city: City, tmp_path: Path) -> AsyncIterator[As]:
    """Peers of the running pods for a caller, with tokens of the stack's issuer."""
    state, opened = running(layout(city)), list[Peers]()
    issuer = Issuer(layout(city).keys, state.release)

    def peers(caller: str) -> Peers:
        for pod in state.pods:
            write_private(tmp_path / caller / "tokens" / pod.name, issuer.token(caller, pod.name))
        opened.append(Peers({pod.name: pod.rpc for pod in state.pods}, Keys(tmp_path / caller, state.release)))
        return opened[-1]

    yield peers
    for each in opened:
        await each.close()


async def test_identity(called_as: As) -> None:
    titles = await example("identity").desk_titles(called_as("channel-slack"), "en")
    assert titles["roads-chuo"] == "Chuo Ward road upkeep"


async def test_consent(called_as: As) -> None:
    assert await example("consent").notice(called_as("reports"), "en") == "News about your case"
    with pytest.raises(Unavailable, match="may not call"):
        await example("consent").notice(called_as("channel-line"), "en")


async def test_pods(called_as: As) -> None:
    kept = await example("pods").kept_about_people(called_as("operator"))
    assert {pod: bool(what) for pod, what in kept.items()} == {
        pod.name: bool(pod.manifest.personal_data) for pod in in_the_stack()
    }


async def test_reports_and_notifications(city: City, called_as: As) -> None:
    operator = called_as("operator")
    resident = await city.resident()
    number = await file_report(resident)
    assert len(await example("reports").trace_of(operator, number)) == 32
    assert await example("reports").trace_of(operator, "FK-0000-0000") == "case-unknown"

    before = await resident.last()
    card = await city.card(number)
    await city.simulator.slack.press(OFFICER_HAKATA, card, "acknowledge")
    await resident.hears(before)
    found = FindCaseRequest(case_number=number)
    report = (await ReportServiceStub(operator.channel("reports")).FindCase(found, timeout=30)).report_id

    async def concluded() -> bool:
        told = await example("notifications").told(operator, report)
        return bool(told == [("ReportAcknowledged", "DELIVERY_STATE_ACCEPTED")])

    await city.until(concluded, what="the delivery was not concluded")


async def test_dialogue(called_as: As) -> None:
    channel = called_as("channel-line")
    first = await example("dialogue").open_language(channel, "reference-example-1", "nobody-in-particular", "en")
    assert first.ask.key == "language"
    assert first.ask.WhichOneof("kind") == "choice"
    assert (
        await example("dialogue").open_language(channel, "reference-example-1", "nobody-in-particular", "en") == first
    )


async def test_topics(city: City) -> None:
    bootstrap = running(layout(city)).servers.kafka
    received = await example("topics").first_event(bootstrap, "machi.pods.v1")
    assert isinstance(received.event, PodInstalled)
    assert (received.tenant, received.key) == ("fukuoka", received.event.pod.pod)
