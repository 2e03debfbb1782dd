"""`python -m machi_simulator`: listen on SIMULATOR_ADDRESS."""

from machi_simulator.config import Config
from machi_simulator.server import Server

if __name__ == "__main__":
    Server(Config()).run()
