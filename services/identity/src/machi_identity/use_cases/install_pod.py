"""An operator installs a pod."""

from machi_identity.domain.consent import Notice
from machi_identity.domain.pods import Installation, PodRecord, notice_fault
from machi_identity.ports import City
from machi_sdk.clock import Clock
from machi_sdk.errors import Invalid
from machi_sdk.manifest import Manifest, parse_manifest


async def install_pod(manifest_yaml: str, city: City, clock: Clock) -> tuple[PodRecord, bool]:
    """Make a manifest the installed one; Invalid names the wrong place. Publishes even when nothing changed.

    The second value is False when exactly this manifest was installed already.
    """
    manifest = parse_manifest(manifest_yaml)
    notices = notices_of(manifest)
    if fault := notice_fault(notices):
        raise Invalid("manifest-invalid", fault)
    record = PodRecord(manifest.name, manifest.hash, manifest.canonical_json)
    return record, await city.pods.install(Installation(record, notices), clock.now())


def notices_of(manifest: Manifest) -> tuple[Notice, ...]:
    """The notices a manifest declares, in its order."""
    return tuple(
        Notice(entry.purpose, entry.version, manifest.name, entry.title, entry.benefit, entry.text)
        for entry in manifest.purposes
    )
