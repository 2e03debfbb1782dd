"""structlog without rich, where that is installed for other tools.

With it every exception is drawn with all local variables, which may be somebody's words, and a pod pays 7 MB and 0.1 s.
"""

import sys

_hidden = sys.modules.setdefault("rich", None) is None  # type: ignore[arg-type]  # None hides a module
try:
    import structlog
finally:
    if _hidden:
        del sys.modules["rich"]

__all__ = ["structlog"]
