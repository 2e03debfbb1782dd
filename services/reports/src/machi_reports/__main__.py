"""Start the pod."""

from machi_reports.wiring import assemble
from machi_sdk.service import run

if __name__ == "__main__":
    run(assemble)
