"""As the wiring of a pod: ends with 1 when another program's start changes the threads of gRPC."""

import asyncio
import sys
from pathlib import Path

import grpc
import uvloop


def threads() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {task.name for task in tasks if (task / "comm").read_text().startswith("event_engine")}


async def main() -> bool:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.channel_ready()
        before = threads()
        for _ in range(5):
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
            assert await process.wait() == 0
        same = bool(before) and before <= threads()
    await server.stop(None)
    return same


sys.exit(0 if uvloop.run(main()) else 1)
