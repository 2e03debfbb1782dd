"""What alert rules and boards ask for is told by the running pods, with the labels they choose it by."""

from collections import defaultdict

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.city import City
from tests.monitoring.promises import TARGET_LABELS, asked, registry
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

    labels = await city.until(told, 30, "a series that is asked for is not told")
    wrong = [
        f"{series.place}: {series.name} by {series.labels - labels[series.name] - TARGET_LABELS}"
        for series in asked()
        if series.name in labels and series.labels - labels[series.name] - TARGET_LABELS
    ]
    assert not wrong
    declared = "".join((await pages(city)).values())
    assert [name for name in _ON_OCCASION if f"# TYPE {name} " not in declared] == []
