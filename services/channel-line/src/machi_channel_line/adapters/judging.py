"""What LINE made of a request, by its HTTP answer."""

from machi_channel_line.ports import MONTHLY_LIMIT, Replied, TokenSpent
from machi_sdk.deliveries import Accepted, NotTaken, Outcome, Refused, Unclear

# An access token that an operator has to renew: the same request is right afterwards.
DENIED = (401, 403)
# Said by what stands between us and LINE, which takes no redirects.
_BETWEEN = (*range(300, 400), 407)
_TIMED_OUT = 408
# What LINE's content host says of something that it is still preparing.
NOT_READY = 202


def judge(status: int, message: str) -> Outcome:
    """The outcome of a message; 409 says that its retry key was taken before."""
    if status < 300 or status == 409:
        return Accepted()
    if status == 429 and "monthly limit" in message.casefold():
        return NotTaken(MONTHLY_LIMIT, whole_account=True)
    if status in (*DENIED, *_BETWEEN, 429):
        return NotTaken(f"platform-{status}", whole_account=status != 429)
    if status >= 500 or status == _TIMED_OUT:
        return Unclear(f"platform-{status}")
    return Refused(f"platform-{status}")


def judge_reply(status: int, message: str) -> Replied:
    """The outcome of a reply."""
    if status == 400 and "invalid reply token" in message.casefold():
        return TokenSpent()
    return judge(status, message)
