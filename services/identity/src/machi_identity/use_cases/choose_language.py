"""A person chooses a language."""

from machi_identity.ports import City
from machi_sdk.errors import Missing


async def choose_language(citizen_id: str, language: str, city: City) -> None:
    """Speak this language from now on, on every channel."""
    if not await city.citizens.set_language(citizen_id, language):
        raise Missing("citizen-unknown")
