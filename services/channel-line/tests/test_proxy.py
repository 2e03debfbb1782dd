from pathlib import Path

import pytest
from line_city import running_city

from machi_sdk.testing import PodDatabase, noting_proxy
from machi_tools.embedded.given import KafkaAddress

pytestmark = pytest.mark.integration


async def test_line_is_reached_through_the_proxy_that_is_set(
    database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path
) -> None:
    async with (
        noting_proxy() as (proxy, seen),
        running_city(database, kafka_server.bootstrap, tmp_path, proxy) as city,
    ):
        user = await city.simulator.line.create()
        await city.simulator.line.follow(user)
        await city.until_heard(user, 1)
        replies = [path for path in seen if path.endswith("/v2/bot/message/reply")]
        assert len(replies) == len(await city.simulator.received("/v2/bot/message/reply")) == 1
