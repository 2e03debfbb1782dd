"""No pod keeps the tables of an older SDK: what a new database is made with, one made earlier gets by a migration."""

import pytest

from machi_sdk.migrating import RUNTIME_SHAPE, runtime_shapes
from tests.architecture.house import Service, with_tables


@pytest.mark.parametrize("service", with_tables(), ids=lambda service: service.name)
def test_a_migration_brings_the_present_shape_of_the_runtimes_tables(service: Service) -> None:
    assert max(runtime_shapes(service.folder).values(), default=0) == RUNTIME_SHAPE
