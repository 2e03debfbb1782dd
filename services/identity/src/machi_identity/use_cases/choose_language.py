"""A person chooses a language."""

from machi_identity.ports import City
from machi_sdk.clock import Clock


async def choose_language(citizen_id: str, language: str, city: City, clock: Clock) -> None:
    """Speak this language from now on, on every channel."""
    present = await city.citizens.lock(citizen_id)
    await city.citizens.set_language(present, language, clock.now())
