"""What is due by the clock, municipality by municipality: none holds up another."""

from collections.abc import Awaitable
from typing import TypeVar

from machi_sdk.errors import MachiError
from machi_sdk.telemetry import get_logger

Found = TypeVar("Found")

log = get_logger()


async def by_itself(what: str, tenant: str, its_round: Awaitable[Found]) -> Found | None:
    """What came of a tenant's round; one that fails is put off to the next, and keeps no other tenant waiting."""
    try:
        return await its_round
    except MachiError as error:
        log.warning("round put off", what=what, tenant=tenant, reason=error.slug)
    except Exception as error:
        log.exception("round put off", what=what, tenant=tenant, error=type(error).__name__)
    return None
