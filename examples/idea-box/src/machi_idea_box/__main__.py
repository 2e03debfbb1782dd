"""Start the idea-box pod."""

from machi_sdk.starting import start

if __name__ == "__main__":
    start("machi_idea_box.wiring")
