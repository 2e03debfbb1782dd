"""The one way the command line fails: what, cure, and the log that says more."""

from pathlib import Path


class StackError(Exception):
    """Something a person has to know: what is wrong and the cure, one line each."""

    def __init__(self, what: str, cure: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure
        self.log = log


def reason(error: BaseException) -> str:
    """What an error says; of one without words, such as a timeout, its name."""
    return str(error) or type(error).__name__
