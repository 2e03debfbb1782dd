"""Slack's v0 signature over raw bytes."""

import hashlib
import hmac

MOST_SECONDS_OFF = 300


def signed(secret: str, body: bytes, timestamp: str, signature: str, now: float) -> bool:
    """Whether Slack signed these bytes within five minutes of now, by no empty secret; compared in constant time."""
    if not secret or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15:
        return False
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    matches = hmac.compare_digest(f"v0={digest}".encode(), signature.encode("utf-8", "surrogateescape"))
    return matches and abs(now - int(timestamp)) <= MOST_SECONDS_OFF
