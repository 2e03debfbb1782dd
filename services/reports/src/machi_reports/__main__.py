"""Start the pod."""

from machi_sdk.starting import start

if __name__ == "__main__":
    start("machi_reports.wiring")
