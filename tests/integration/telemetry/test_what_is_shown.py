"""What alert rules and boards ask for is told by the running pods, and a real Prometheus makes answers of it."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from machi_tools.embedded.ports import next_free
from tests.city import City
from tests.monitoring.promises import RULES, TARGET_LABELS, asked, queries, registry
from tests.monitoring.promtool import NotThere, program
from tests.story import HAKATA, OFFICER_HAKATA, Filing, file_report, photo, submit

pytestmark = [pytest.mark.integration, pytest.mark.stack]
# What a city tells only when something goes wrong, or seldom; its declaration is there all the same.
_ON_OCCASION = {
    "identity_links_total",
    "machi_consumer_retries_total",
    "machi_rekeyed_total",
    "machi_reports_photo_upkeep_total",
    "machi_reports_reminders_total",
    "machi_waiting",
}
# Panels that stay empty while all is well, or nobody did such a thing.
_QUIET = {
    "Alerts",
    "Linked channels",
    "Merged people",
    "Messages held back",
    "Put off",
    "Refused at the door",
    "Rpcs that did not end well, as callers see it",
    "Share that ended badly",
    "Share without consent",
    "Tried in vain and waiting",
    "Upkeep of photos",
    "What keeps replicas from being ready",
    "Why messages did not arrive",
}


async def pages(city: City) -> dict[str, str]:
    """Each pod's metrics."""
    async with aiohttp.ClientSession() as session:
        return {pod: await (await session.get(f"{url}/metrics")).text() for pod, url in city.http().items()}


async def a_busy_day(city: City) -> None:
    """A report with a photo, the card, and news to its author."""
    resident = await city.resident()
    number = await file_report(resident, Filing(place=HAKATA, photos=(photo(),)))
    card = await city.card(number)
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, card, "resolve", words="直しました")
    await resident.hears(before, 30)


async def test_what_rules_and_boards_ask_for_is_told_by_a_running_pod(city: City) -> None:
    await a_busy_day(city)
    wanted = {series.name for series in asked() if series.metric in registry()}

    async def told() -> dict[str, set[str]]:
        labels: dict[str, set[str]] = defaultdict(set)
        for page in (await pages(city)).values():
            for family in text_string_to_metric_families(page):
                for sample in family.samples:
                    labels[sample.name] |= set(sample.labels)
        return labels if wanted - labels.keys() <= _ON_OCCASION else {}

    labels = await city.until(told, what="a series that is asked for is not told")
    wrong = [
        f"{series.place}: {series.name} by {series.labels - labels[series.name] - TARGET_LABELS}"
        for series in asked()
        if series.name in labels and series.labels - labels[series.name] - TARGET_LABELS
    ]
    assert not wrong
    declared = "".join((await pages(city)).values())
    assert [name for name in _ON_OCCASION if f"# TYPE {name} " not in declared] == []


@contextmanager
def prometheus(city: City, folder: Path) -> Iterator[str]:
    """A Prometheus that reads the pods each second by the rules of the chart; its address."""
    for path in RULES:
        quick = path.read_text(encoding="utf-8").replace("interval: 30s", "interval: 1s")
        (folder / path.name).write_text(quick, encoding="utf-8")
    targets = [
        {"targets": [url.removeprefix("http://")], "labels": {"job": pod, "pod": f"{pod}-0", "machi_release": "machi"}}
        for pod, url in city.http().items()
    ]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "*.yaml")],
        "scrape_configs": [{"job_name": "machi", "static_configs": targets}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    address = f"127.0.0.1:{next_free(7170)}"
    words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    server = subprocess.Popen(
        [program("prometheus"), *words, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://{address}/api/v1"
    finally:
        server.terminate()
        server.wait(20)


async def ask(api: str, path: str, query: str = "up") -> list[dict[str, object]]:
    """What Prometheus answers; nothing while it does not listen yet."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"{api}/{path}", params={"query": query}) as answer:
                data = (await answer.json())["data"] if answer.status == 200 else {}
        except aiohttp.ClientConnectionError:
            return []
    return list(data.get("result") or data.get("groups") or ())


async def empty_panels(api: str) -> set[str]:
    """Panels without a single figure."""
    plain = [(place, query.replace("$__rate_interval", "1m").replace("$release", ".+")) for place, query in queries()]
    return {place.partition(": ")[2] for place, query in plain if not await ask(api, "query", query)}


async def test_prometheus_fills_the_boards_and_finds_every_rule_sound(city: City, tmp_path: Path) -> None:
    try:
        program("prometheus")
    except NotThere as error:
        pytest.skip(str(error))
    with prometheus(city, tmp_path) as api:

        async def filled() -> bool:
            return await empty_panels(api) <= _QUIET

        await city.until(lambda: ask(api, "query"), 30, "Prometheus does not answer")
        await a_busy_day(city)
        await city.until(filled, 45, "a panel stays empty")
        groups = await ask(api, "rules")
    rules = [rule for group in groups if isinstance(group["rules"], list) for rule in group["rules"]]
    assert len(rules) > 60
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
