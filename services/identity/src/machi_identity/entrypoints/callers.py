"""Who calls, and what is theirs to ask."""

from machi_identity.domain.release import owns_channel
from machi_sdk.errors import Denied
from machi_sdk.rpc import current_call


def check_own_channel(channel: str) -> None:
    """Denied unless the channel's own adapter calls."""
    if not owns_channel(current_call().caller, channel):
        raise Denied("not-your-channel", "only the channel's own adapter deals with its addresses")
