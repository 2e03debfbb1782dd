"""Start the channel-line pod."""

from machi_sdk.starting import start

if __name__ == "__main__":
    start("machi_channel_line.wiring")
