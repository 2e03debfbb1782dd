"""Slack's published signatures."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from machi_channel_slack.domain.signature import signed

VECTORS = json.loads((Path(__file__).parent / "data" / "signature_vectors.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_published_vectors(vector: dict[str, object]) -> None:
    body, at = str(vector["body"]).encode(), str(vector["timestamp"])
    assert signed(str(vector["secret"]), body, at, str(vector["signature"]), float(at)) is vector["valid"]


def test_an_empty_secret_signs_nothing() -> None:
    digest = hmac.new(b"", b"v0:1700000000:{}", hashlib.sha256).hexdigest()
    assert not signed("", b"{}", "1700000000", f"v0={digest}", 1_700_000_000)


@pytest.mark.parametrize("timestamp", ["", "now", "-5", "1e9", "١٢٣", "9" * 30])
def test_a_timestamp_that_is_none_is_refused_without_a_crash(timestamp: str) -> None:
    assert not signed("secret", b"{}", timestamp, "v0=00", 1_700_000_000)


@pytest.mark.parametrize("signature", ["", "v0=", "v1=abc", "v0=\xff", "署名"])
def test_a_signature_that_is_none_is_refused_without_a_crash(signature: str) -> None:
    assert not signed("secret", b"\xff\xfe", "1700000000", signature, 1_700_000_000)
