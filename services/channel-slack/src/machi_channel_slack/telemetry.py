"""The pod's own metrics; webhooks and requests to Slack are counted by the SDK's."""

from machi_sdk.telemetry import declare

SHOWN = "machi_slack_cards_total"

declare(SHOWN, "counter", ("outcome",), "Tries to show a card: shown, limited, put-off, given-up")
