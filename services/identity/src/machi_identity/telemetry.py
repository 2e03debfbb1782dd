"""Metrics of identity, declared before use."""

from machi_sdk.telemetry import declare

RELEASES = "identity_releases_total"
DECISIONS = "identity_decisions_total"
LINKS = "identity_links_total"

declare(RELEASES, "counter", ("channel", "basis", "verdict"), "Questions for an address by what became of them")
declare(DECISIONS, "counter", ("status",), "Decisions about purposes answered, retries included")
declare(LINKS, "counter", ("outcome",), "Codes made, typed, and refused, channels linked and unlinked")
