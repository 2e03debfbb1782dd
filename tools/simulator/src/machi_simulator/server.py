"""The simulator as a server that ends without waiting for open pages."""

import socket

import uvicorn

from machi_simulator.app import application
from machi_simulator.config import Config
from machi_simulator.world import World


class Server(uvicorn.Server):
    """Lets waiting pages go before it closes."""

    def __init__(self, config: Config) -> None:
        self._world = World(config)
        super().__init__(
            uvicorn.Config(
                application(self._world),
                host=config.host,
                port=config.port,
                log_config=None,
                lifespan="on",
                timeout_graceful_shutdown=2,
                timeout_keep_alive=75,  # who keeps an idle connection closes it first, on a slow machine, too
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close."""
        self._world.changes.close()
        await super().shutdown(sockets)
