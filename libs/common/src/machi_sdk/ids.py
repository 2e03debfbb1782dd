"""Identifiers: time-ordered new ones, and stable derived ones."""

import os
import time
import uuid

_NAMESPACE = uuid.UUID("6d616368-6900-5000-8000-000000000001")


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562): sorts by creation time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def derived_id(*parts: str) -> str:
    """A UUIDv5 that is the same for the same parts, whoever asks and whenever."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))
