"""Migrations go up, down, up, and match the tables."""

from pathlib import Path

import pytest

from machi_sdk import migrating
from machi_sdk.testing import PodDatabase

SERVICE = Path(__file__).parent.parent


@pytest.mark.integration
def test_migrations_go_up_down_up_and_match_the_tables(database: PodDatabase) -> None:
    assert migrating.round_trip(SERVICE, database.owner_url) == ""
