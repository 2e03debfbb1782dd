"""Slack's three escapes."""


def escape(words: str) -> str:
    """Words a person typed, as events carry them."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(words: str) -> str:
    """The reverse, as a client shows them."""
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
