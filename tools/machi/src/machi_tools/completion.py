"""What the shell offers after a TAB."""

from machi_tools.stack.layout import find_layout
from machi_tools.stack.state import read_state


def running_pods(incomplete: str) -> list[str]:
    """Pods of the running stack, the ones that begin as typed."""
    state = read_state(find_layout().state_file)
    return [pod.name for pod in (state.pods if state else []) if pod.name.startswith(incomplete)]
