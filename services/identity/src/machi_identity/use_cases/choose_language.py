"""A person chooses a language."""

from machi_identity.ports import City
from machi_sdk.clock import Clock
from machi_sdk.errors import Missing


async def choose_language(citizen_id: str, language: str, city: City, clock: Clock) -> None:
    """Speak this language from now on, on every channel."""
    present = await city.citizens.lock(citizen_id)
    if present is None:
        raise Missing("citizen-unknown")
    await city.citizens.set_language(present, language, clock.now())
