"""Everything that reads bytes of strangers, each as a function that raises for a crash and for nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.architecture.house import ROOT
from tests.fuzz import documents, photos, webhooks

Target = Callable[[bytes], None]
HERE = Path(__file__).parent
LONGEST_SEED = 20_000

TARGETS: dict[str, Target] = {
    "line-webhook": webhooks.line_webhook,
    "slack-events": webhooks.slack_events,
    "slack-interactivity": webhooks.slack_interactivity,
    "slack-commands": webhooks.slack_commands,
    "envelope": documents.envelope,
    "manifest": documents.manifest,
    "photo": photos.photo,
    "photo-worker": photos.photo_worker,
}
# Examples that lie elsewhere in the house.
_ELSEWHERE = {
    "line-webhook": ["services/channel-line/tests/data/webhook_java/*.json"],
    "manifest": ["services/*/service.yaml", "examples/*/service.yaml", "libs/common/tests/toy/service.yaml"],
}


def corpus(target: str) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each example and of each find that was once a crash."""
    paths = sorted((HERE / "corpus" / target).iterdir())
    paths += [path for pattern in _ELSEWHERE.get(target, []) for path in sorted(ROOT.glob(pattern))]
    for path in paths:
        content = path.read_bytes()
        if len(content) <= LONGEST_SEED:
            yield str(path.relative_to(ROOT)), content
    if target == "envelope":
        yield from _records()


def _records() -> Iterator[tuple[str, bytes]]:
    """The golden bytes of every event, with the headers a pod gives them."""
    for path in sorted((ROOT / "protos" / "examples").glob("*.binpb")):
        name = ".".join(path.stem.split(".")[:4])
        head = (
            f"ce_specversion: 1.0\nce_id: e-1\nce_type: {name}\nce_time: 2026-11-28T03:00:00+00:00\nce_tenant: fukuoka"
        )
        yield str(path.relative_to(ROOT)), head.encode() + b"\n\n" + path.read_bytes()
