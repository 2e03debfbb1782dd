"""Stand-ins for LINE and Slack that keep the platforms' published rules."""

from machi_simulator.app import create_app
from machi_simulator.config import Config

__all__ = ["Config", "create_app"]
