"""The settings a stack was started with, kept as digests, held against those given now."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

FAMILIES = ("AWS_", "KAFKA_", "LINE_", "MACHI_", "OTEL_", "SIMULATOR_", "SLACK_")
SINGLE = frozenset({"CRASH_AT", "DATABASE_URL", "OBJECT_STORE_URL", "PLATFORM_PROXY", "PUBLIC_URL"})
# Where a stack lies and how it was installed, not what it does.
PLACES = frozenset({"MACHI_KAFKA_JARS", "MACHI_ROOT", "MACHI_STATE_DIR", "MACHI_TEST_DATABASE_URL"})

SETTINGS_KEY = "SETTINGS_KEY"  # its name in the stack's secrets


@dataclass(frozen=True)
class Difference:
    """Names only: values may be secrets."""

    given: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """All of them, for people."""
        return ", ".join(sorted((*self.given, *self.gone)))


def digests(environ: Mapping[str, str], key: str) -> dict[str, str]:
    """A keyed digest per setting that has a value; without the key nobody can try values out."""
    return {
        name: hmac.digest(key.encode(), f"{name}={value}".encode(), "sha256").hex()
        for name, value in sorted(environ.items())
        if value and name not in PLACES and (name in SINGLE or name.startswith(FAMILIES))
    }


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> Difference:
    """What is new or has another value now, and what was given before only."""
    given = tuple(name for name, digest in now.items() if before.get(name) != digest)
    return Difference(given, tuple(name for name in before if name not in now))
