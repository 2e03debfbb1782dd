"""docs/a-pod-in-15-minutes.md, followed step by step in a copy of the repository."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from machi_tools.embedded.given import KafkaAddress, PostgresAddress
from tests.charts.binaries import program
from tests.charts.rendering import render
from tests.city import ResidentAtPhone, visit
from tests.following import Copy, Page, copied

# Each works on a copy of its own, and a pod that comes or goes is generated anew.
pytestmark = pytest.mark.timeout(600)
PAGE = Page("a-pod-in-15-minutes.md")
NAME = "lost-umbrellas"
GENERATE = ".venv/bin/python protos/generate.py"
# Fewer than the page starts; the seeds need these.
PODS = f"identity reports channel-line {NAME}"


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """The repository without the page's pod: who follows the page has made it."""
    with copied(tmp_path, MACHI_STATE_DIR=str(tmp_path / "state"), MACHI_PODS=PODS) as made:
        if (made.tree / "services" / NAME).exists():
            made.run(f".venv/bin/machi remove service {NAME} --yes")
            made.commit()
        yield made


def spoken() -> list[tuple[str, str]]:
    """The conversation of step 5: who, and what."""
    lines = PAGE.blocks(5, "text")[0].splitlines()
    return [(who, words) for who, _, words in (line.partition(": ") for line in lines)]


@pytest.mark.integration
def test_a_pod_comes_passes_and_goes(copy: Copy, postgres_server: PostgresAddress, kafka_server: KafkaAddress) -> None:
    copy.environment.update(
        MACHI_TEST_DATABASE_URL=postgres_server.url(), KAFKA_BOOTSTRAP_SERVERS=kafka_server.bootstrap
    )
    copy.run(PAGE.commands(1))
    made = {line.split()[1] for line in copy.changes().splitlines() if line.startswith("??")}
    assert made == {"services/lost-umbrellas/", "deploy/helm/lost-umbrellas/", f"deploy/helm/machi/charts/{NAME}"}
    seen = copy.run(PAGE.commands(2))
    assert "services/lost-umbrellas/service.yaml" in seen
    assert "idea-box" not in seen
    copy.run(PAGE.commands(3))
    assert re.search(r"\d+ passed", copy.run(PAGE.commands(4)))
    assert "removed services/lost-umbrellas/" in copy.run(PAGE.blocks(6)[1])
    assert copy.changes() == ""


def test_the_citys_chart_and_all_that_is_generated_have_it_until_it_is_taken_away(copy: Copy) -> None:
    copy.run(f".venv/bin/machi new service {NAME}")
    copy.run(f"{GENERATE} --check")
    values = {NAME: {"replicas": 2}, "reports": {"enabled": False}}
    made = render(values, copy.tree / "deploy" / "helm" / "machi")
    assert made.one("Deployment", f"machi-{NAME}")["spec"]["replicas"] == 2
    callers = [each["metadata"]["labels"] for each in (pod["spec"]["template"] for pod in made.of("Deployment"))]
    assert any(f"machi.calls/{NAME}" in labels for labels in callers), "a channel may open its dialogue"
    copy.run(f".venv/bin/machi remove service {NAME} --yes")
    assert copy.changes() == ""


def test_a_change_of_its_manifest_is_generated_by_what_the_page_says(copy: Copy) -> None:
    assert "`make gen`" in PAGE.section(3)
    copy.run(f".venv/bin/machi new service {NAME}")
    manifest = f"services/{NAME}/service.yaml"
    copy.run(f"sed -i 's/^summary: .*/summary: Finds what was lost./' {manifest}")
    assert f"deploy/helm/{NAME}/service.yaml" in copy.run(f"{GENERATE} --check", fails=True)
    copy.run("make gen")
    copy.run(f"{GENERATE} --check")


def test_the_tests_of_the_charts_pass_with_it(copy: Copy) -> None:
    helm = str(Path(program("helm")).parent)
    copy.environment.update(PATH=f"{helm}{os.pathsep}{os.environ['PATH']}")
    copy.run(f".venv/bin/machi new service {NAME}")
    assert re.search(r"\d{2} passed", copy.run(".venv/bin/pytest -q tests/charts/test_render.py"))


@pytest.mark.integration
@pytest.mark.stack
async def test_a_pod_is_talked_to_on_the_phone(copy: Copy) -> None:
    copy.run(PAGE.commands(1))
    copy.run(PAGE.commands(3))
    try:
        assert NAME in copy.run(PAGE.commands(5))
        async with visit(Path(copy.environment["MACHI_STATE_DIR"])) as city:
            await talk(await city.resident("English"))
        copy.run(PAGE.blocks(6)[0])
    finally:
        copy.run(f"cd {copy.tree} && .venv/bin/machi down")


async def talk(resident: ResidentAtPhone) -> None:
    """Say what the page says, and hear what it says."""
    answer = ""
    for who, words in spoken():
        if who == "you":
            answer = await resident.say(words)
        else:
            assert words in answer
