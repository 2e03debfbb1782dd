"""Metrics of this pod, declared before use."""

from machi_sdk.telemetry import declare

PHOTOS = "machi_reports_photos_total"

declare(PHOTOS, "counter", ("verdict",), "Photos by what became of them: stored, not-a-photo, too-large")

REMINDERS = "machi_reports_reminders_total"

declare(REMINDERS, "counter", ("what",), "Cases desks were reminded of, by target; days summed up")

UPKEEP = "machi_reports_photo_upkeep_total"

declare(UPKEEP, "counter", ("what",), "Photos moved to the store, dropped, expired, or deleted from the store")
