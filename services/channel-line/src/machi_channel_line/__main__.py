"""Start the channel-line pod."""

from machi_channel_line.wiring import assemble
from machi_sdk.service import run

if __name__ == "__main__":
    run(assemble)
