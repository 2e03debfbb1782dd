"""A line between a client and a server that loses whatever is sent over it, and says nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Passes on what comes; connections that were there when it was lost bring nothing any more, new ones do."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self._age = 0
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0

    def lose(self) -> None:
        """From now on nothing passes over the present connections, and nobody closes them."""
        self._age += 1

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection until either side closes it."""
        far_reader, far_writer = await asyncio.open_connection(*self._far)
        self._ends += [writer, far_writer]
        await asyncio.gather(self._pass(reader, far_writer, self._age), self._pass(far_reader, writer, self._age))

    async def close(self) -> None:
        """Close every connection, lost ones too."""
        for end in self._ends:
            end.close()
        for end in self._ends:
            with suppress(ConnectionError):
                await end.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, age: int) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                if age == self._age:
                    writer.write(chunk)
                    await writer.drain()
        if age == self._age:
            writer.close()


@asynccontextmanager
async def wire_to(address: str) -> AsyncIterator[Wire]:
    """A wire to `host:port`, at 127.0.0.1 and its own port."""
    host, _, port = address.rpartition(":")
    wire = Wire(host, int(port))
    server = await asyncio.start_server(wire.take, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await wire.close()
