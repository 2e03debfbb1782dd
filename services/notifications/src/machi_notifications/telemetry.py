"""The pod's own metrics."""

from machi_sdk.telemetry import declare

TOLD = "machi_notifications_total"

declare(TOLD, "counter", ("cause", "outcome"), "Facts by what was decided: requested, quiet, held, expired, failed")
