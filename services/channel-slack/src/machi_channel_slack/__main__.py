"""Start the Slack adapter."""

from machi_channel_slack.wiring import assemble
from machi_sdk.service import run

run(assemble)
