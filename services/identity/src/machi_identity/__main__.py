"""Start the identity pod."""

from machi_identity.wiring import assemble
from machi_sdk.service import run

if __name__ == "__main__":
    run(assemble)
