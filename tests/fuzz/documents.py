"""Kafka's records and pods' manifests: what is read, or refused as Invalid."""

from machi_sdk.envelope import decode
from machi_sdk.errors import Invalid
from machi_sdk.manifest import parse_manifest

TOPIC = "machi.fuzz.v1"


def envelope(data: bytes) -> None:
    """Lines `name: value` are headers, what follows an empty line is the payload."""
    head, _, payload = data.partition(b"\n\n")
    pairs = (line.partition(b": ") for line in head.split(b"\n"))
    headers = [(name.decode("utf-8", "replace"), value) for name, _, value in pairs]
    try:
        received = decode(TOPIC, payload[:8], headers, payload)
    except Invalid:
        return
    assert received.event.SerializeToString() is not None
    assert "\0" not in received.event_id + received.tenant + received.trace_id
    assert received.occurred_at.timestamp() is not None


def manifest(data: bytes) -> None:
    """A service.yaml; what is taken says the same when it is read again."""
    try:
        taken = parse_manifest(data.decode("utf-8", "replace"))
    except Invalid:
        return
    assert parse_manifest(taken.canonical_json).hash == taken.hash
