"""Identifiers in the shapes the platforms use."""

import secrets
import string

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CAPITALS = string.ascii_uppercase + string.digits
LETTERS = string.ascii_letters + string.digits


def ulid(now_ms: int) -> str:
    """A ULID: 48 bits of time, 80 of chance."""
    value = (now_ms << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def letters(length: int) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def capitals(prefix: str, length: int = 10) -> str:
    """A Slack-like id: a prefix, then capitals and digits."""
    return prefix + "".join(secrets.choice(CAPITALS) for _ in range(length))


def line_user() -> str:
    """A LINE user id."""
    return "U" + secrets.token_hex(16)
