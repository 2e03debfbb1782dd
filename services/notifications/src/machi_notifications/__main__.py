"""Start the notifications pod."""

from machi_notifications.wiring import assemble
from machi_sdk.service import run

run(assemble)
