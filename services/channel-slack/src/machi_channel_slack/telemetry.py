"""The pod's own metrics; webhooks and requests to Slack are counted by the SDK's."""

from machi_sdk.telemetry import declare

SHOWN = "machi_slack_cards_total"
NEW_CARD = "machi_slack_card_seconds"

declare(SHOWN, "counter", ("outcome",), "Tries to show a card: shown, limited, put-off, given-up")
declare(NEW_CARD, "histogram", (), "Time from a pod's word of a new card to its message, lists of floods left out")
