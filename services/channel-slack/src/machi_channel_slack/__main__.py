"""Start the Slack adapter."""

from machi_sdk.starting import start

if __name__ == "__main__":
    start("machi_channel_slack.wiring")
