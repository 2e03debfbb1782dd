"""What linking and unlinking say and remember alike: a channel's name, and the dialogue a person was in before."""

from collections.abc import Iterable

from machi.dialogue.v1.dialogue_service_pb2 import OpenDialogue
from machi_identity.domain.citizens import Focus
from machi_identity.entrypoints.dialogues.privacy import POD
from machi_sdk.dialogue import Answers, Json
from machi_sdk.language import language as written
from machi_sdk.texts import Texts

BEFORE = "before"
HERE = "here"


def channel_names(texts: Texts, channels: Iterable[str], tag: str) -> str:
    """The channels as people call them, in that language."""
    keys = {channel: f"channel.{channel}" for channel in sorted(channels)}
    names = [texts.say(tag, key) if texts.has(key) else name for name, key in keys.items()]
    return written(tag).joint.join(names)


def beginning(focus: Focus | None, channel: str) -> Answers:
    """What is known at the start: where the person is, and which dialogue this one comes between."""
    # Identity's own dialogues are short: nobody is led back into one.
    kept: list[Json] = [focus.pod, focus.session_id] if focus and focus.pod not in ("", POD) else []
    return Answers({HERE: channel, BEFORE: kept})


def before(answers: Answers) -> OpenDialogue | None:
    """The dialogue the person was in when this one began."""
    kept = answers.get(BEFORE)
    return OpenDialogue(pod=str(kept[0]), session_id=str(kept[1])) if isinstance(kept, list) and kept else None
