"""`machi -n NAMESPACE`: a release answers as the stack does, asked through kubectl; the cluster here is the stack."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from tests.city import City, machi, wait_ready
from tests.integration.operators import standin
from tests.parked import Poison, drop_all, set_aside, writer
from tests.story import OFFICER_HAKATA, file_report

pytestmark = [pytest.mark.integration, pytest.mark.stack]
Ask = Callable[..., tuple[int, str]]
PLANTED = "はかたたろう-090-0000-1234"


@pytest.fixture(autouse=True)
async def _well_before_and_after(city: City) -> AsyncIterator[None]:
    await wait_ready(city)
    yield
    await drop_all(city)


@pytest.fixture
def ask(city: City, tmp_path: Path) -> Ask:
    """Runs `machi -n city`: exit code, and what was said. No stack is found where it runs."""
    environment = {**os.environ, **standin.install(tmp_path, city.state), "MACHI_STATE_DIR": str(tmp_path / "none")}

    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "machi_tools", "-n", standin.NAMESPACE, *words]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=90
        )
        return done.returncode, done.stdout if words[-1] == "--json" else done.stdout + done.stderr

    return run


def same(city: City, ask: Ask, *words: str) -> object:
    """What both say; they have to agree."""
    code, said = ask(*words, "--json")
    assert code == 0, said
    found, here = json.loads(said), json.loads(machi(city.state, *words, "--json"))
    assert sorted(found, key=str) == sorted(here, key=str) if isinstance(here, list) else found == here
    return found


async def test_a_case_is_followed_through_all_pods(city: City, ask: Ask) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    await city.card(number)
    found = same(city, ask, "trace", number)
    assert isinstance(found, dict)
    assert {hop["pod"] for hop in found["hops"]} >= {"channel-line", "reports", "channel-slack"}
    code, shown = ask("trace", number)
    assert (code, shown.splitlines()[0]) == (0, f"case {number}  trace {found['trace_id']}")
    code, shown = ask("trace", "FK-0000-0000")
    assert code == 1
    assert "case-unknown" in shown


@pytest.fixture
async def with_kasuga(city: City) -> AsyncIterator[None]:
    """The pods that keep a municipality's files know a second one meanwhile."""
    for pod in ("identity", "reports"):
        await city.restart(pod, MACHI_TENANTS="kasuga")
    yield
    for pod in ("identity", "reports"):
        await city.restart(pod)


@pytest.mark.timeout(600)  # a dozen programs of their own, and four pods begin anew
@pytest.mark.usefixtures("with_kasuga")
async def test_a_second_municipality_is_put_and_asked_about(city: City, ask: Ask, tmp_path: Path) -> None:
    number = await file_report(await city.resident())
    assert "not put yet: machi city put" in ask("tenants")[1]
    folder = shutil.copytree(ROOT / "deploy" / "helm" / "machi" / "demo", tmp_path / "kasuga")
    files = (folder / "city.yaml").read_text(encoding="utf-8").replace("tenant_id: fukuoka", "tenant_id: kasuga")
    (folder / "city.yaml").write_text(files, encoding="utf-8")
    code, said = ask("city", "put", str(folder))
    assert (code, said.splitlines()[0]) == (1, f"✗ {folder}/city.yaml names no slack_team")
    (folder / "city.yaml").write_text(f"slack_team: T0KASUGA\n{files}", encoding="utf-8")
    for _ in range(2):
        assert ask("city", "put", str(folder)) == (0, "put kasuga: 12 desks, 10 people, and the categories\n")
    assert machi(city.state, "city", "put", str(folder)).startswith("put kasuga: 12 desks")
    people = same(city, ask, "staff", "list", "--tenant", "kasuga")
    assert isinstance(people, list)
    assert {person["slack_team"] for person in people} == {"T0KASUGA"}
    of_the_first = same(city, ask, "staff", "list")
    assert isinstance(of_the_first, list)
    assert "T0KASUGA" not in {person["slack_team"] for person in of_the_first}
    assert ask("trace", number)[0] == 0
    code, said = ask("trace", number, "--tenant", "kasuga")
    assert (code, "case-unknown" in said) == (1, True)
    code, said = ask("staff", "list", "--tenant", "nowhere")
    assert (code, "tenant-unknown" in said) == (1, True)


@pytest.mark.parametrize("verb", ["outbox", "topics", "tenants"])
async def test_both_say_the_same(city: City, ask: Ask, verb: str) -> None:
    assert same(city, ask, verb)


async def test_parked_records_end_as_the_operator_says_and_keep_their_content(city: City, ask: Ask) -> None:
    headers = {"ce_type": "machi.reports.v1.ReportFiled", "ce_tenant": "fukuoka", "ce_id": "poison"}
    async with writer(city) as kafka:
        for _ in range(2):
            await Poison({**headers}, b"\xff\xfe" + PLANTED.encode(), PLANTED.encode()).put(kafka, "machi.reports.v1")
            headers["ce_id"] += "-2"
    (_, first), (_, second) = await set_aside(city, 2)
    listed, shown = ask("dlq", "list"), ask("dlq", "show", "notifications", str(first.id))
    assert [code for code, _ in (listed, shown)] == [0, 0]
    assert "event-not-readable" in listed[1]
    assert json.loads(shown[1])["headers"]["ce_id"] == "poison"
    assert PLANTED not in listed[1] + shown[1]
    code, said = ask("dlq", "replay", "notifications", str(first.id))
    assert (code, said.strip()) == (1, f"notifications {first.id}: stays parked: event-not-readable")
    code, said = ask("dlq", "drop", "notifications", str(first.id), "9999")
    assert (code, said.splitlines()[0]) == (1, "✗ notifications has no parked record 9999; nothing was done")
    assert ask("dlq", "drop", "notifications", str(first.id), str(second.id))[0] == 0
    assert ask("dlq", "list") == (0, "nothing is parked\n")


async def test_the_doctor_looks_at_every_replica_and_names_what_is_wrong(city: City, ask: Ask) -> None:
    _, said = ask("doctor", "--json")
    report = json.loads(said)
    [finding] = report["findings"]
    assert finding["what"] == f"{standin.FORBIDDEN} does not answer `look`: {standin.REFUSAL}"
    assert "docs/guides/operators.md" in finding["cure"]
    assert {pod["name"] for pod in report["pods"] if pod["ready"]} == {f"machi-{pod}-0" for pod in city.http()}
    assert report["topics"]["missing"] == report["topics"]["differing"] == []
    assert abs(report["clocks"]["database"]) < 5
    city.signal("notifications", signal.SIGSTOP)
    try:
        code, shown = ask("doctor")
    finally:
        city.signal("notifications", signal.SIGCONT)
    assert code == 1
    assert "✗ machi-notifications-0 hangs: TimeoutError\n  cure: its liveness probe starts it again" in shown
    assert "note: LINE and Slack were not asked" in shown
    assert OFFICER_HAKATA not in shown
