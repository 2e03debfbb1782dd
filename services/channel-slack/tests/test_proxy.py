from pathlib import Path

import pytest
from slack_city import running_city

from machi_sdk.testing import PodDatabase, noting_proxy
from machi_tools.embedded.given import KafkaAddress

pytestmark = pytest.mark.integration
POST = "/slack/api/chat.postMessage"


async def test_slack_is_reached_through_the_proxy_that_is_set_and_no_other(
    database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack's SDK would take one from the environment, whatever NO_PROXY says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # where nobody listens
    async with (
        noting_proxy() as (proxy, seen),
        running_city(database, kafka_server.bootstrap, tmp_path, proxy) as city,
    ):
        await city.announce(1)
        await city.shown(1)
        assert seen.count(POST) == len(await city.simulator.received(POST)) == 1
