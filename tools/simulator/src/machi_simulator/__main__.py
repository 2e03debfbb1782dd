"""`python -m machi_simulator`: listen on SIMULATOR_ADDRESS."""

import uvicorn

from machi_simulator.app import create_app
from machi_simulator.config import Config


def main() -> None:
    """Run until told to stop."""
    config = Config()
    uvicorn.run(
        create_app(config),
        host=config.host,
        port=config.port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
