"""No pod keeps the tables of an older SDK, and none takes away what older code relies on."""

import re

import pytest

from machi_sdk.migrating import RUNTIME_SHAPE, runtime_shapes
from tests.architecture.house import Service, with_tables

TAKES_A_DEFAULT = re.compile(r"server_default=None|DROP DEFAULT", re.IGNORECASE)
CONTRACT = '"""Contract: '


@pytest.mark.parametrize("service", with_tables(), ids=lambda service: service.name)
def test_a_migration_brings_the_present_shape_of_the_runtimes_tables(service: Service) -> None:
    assert max(runtime_shapes(service.folder).values(), default=0) == RUNTIME_SHAPE


@pytest.mark.parametrize("service", with_tables(), ids=lambda service: service.name)
def test_only_a_contract_takes_a_default_away(service: Service) -> None:
    """Older code, beside new pods and after a rollback, does not name the column."""
    paths = (service.folder / "migrations" / "versions").glob("[0-9]*_*.py")
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    taking = [name for name, text in texts.items() if TAKES_A_DEFAULT.search(text) and not text.startswith(CONTRACT)]
    assert taking == []
