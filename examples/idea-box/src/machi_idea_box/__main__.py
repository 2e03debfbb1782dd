"""Start the idea-box pod."""

from machi_idea_box.wiring import assemble
from machi_sdk.service import run

run(assemble)
