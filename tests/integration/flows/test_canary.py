"""The canary that a release flies by `helm test`, on the stack."""

from machi_simulator.canary import fly
from tests.city import City


async def test_a_canary_files_a_report_and_finds_its_card(city: City) -> None:
    said = await fly(city.simulator.url, "Report a problem")
    assert "its card was in" in said
