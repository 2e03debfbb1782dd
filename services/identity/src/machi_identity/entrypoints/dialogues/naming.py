"""What channels and purposes are called, and this pod itself."""

from collections.abc import Iterable

from machi_identity.adapters.work import IdentityWork
from machi_sdk.language import language as written
from machi_sdk.texts import Texts, pick

POD = "identity"


def channel_names(texts: Texts, channels: Iterable[str], tag: str) -> str:
    """The channels as people call them, in that language."""
    keys = {channel: f"channel.{channel}" for channel in sorted(channels)}
    names = [texts.say(tag, key) if texts.has(key) else name for name, key in keys.items()]
    return written(tag).joint.join(names)


async def purpose_titles(work: IdentityWork, purposes: list[str], texts: Texts, language: str) -> list[str]:
    """What the purposes are called, each name once; those of pods no longer installed share one."""
    titles = {notice.purpose: notice.title for notice in await work.notices.all_current()}
    former = texts.say(language, "privacy.former")
    return list(dict.fromkeys(pick(titles.get(purpose, {}), language) or former for purpose in purposes))
