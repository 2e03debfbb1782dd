"""What people write, kept exactly, but for what no database can hold."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD; everything else stays as it is."""
    return _UNSTORABLE.sub("\ufffd", text)
