"""What a pod may hold at once fits into the memory that its chart gives it."""

import re

from machi_reports.adapters.photo_decoder import MEMORY_BYTES
from machi_reports.adapters.photo_worker import AT_ONCE, PLACES
from machi_reports.entrypoints.media import MOST_BYTES
from tests.architecture.house import ROOT, read_yaml

MIB = 2**20
# What reports held at most by itself in runs of many hours, rounded up: docs/guides/sizing.md.
ITSELF = 160 * MIB
COPIES = 2  # of a photo, while its pieces become one, and while it is handed to the decoder
SIZE = re.compile(r"(?P<number>\d+)(?P<unit>Mi|Gi)")


def limit(chart: str) -> int:
    """The bytes that a pod may have before it is killed."""
    resources = read_yaml(ROOT / "deploy" / "helm" / chart / "values.yaml")["resources"]
    assert isinstance(resources, dict)
    found = SIZE.fullmatch(resources["limits"]["memory"])
    assert found, resources
    return int(found["number"]) * {"Mi": MIB, "Gi": 1024 * MIB}[found["unit"]]


def test_the_photos_that_reports_holds_and_decodes_at_once_fit() -> None:
    """A decoder that grows as far as it may is killed by its own bound, never together with the pod."""
    assert limit("reports") >= ITSELF + AT_ONCE * MEMORY_BYTES + PLACES * COPIES * MOST_BYTES
