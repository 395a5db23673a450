"""A WebSocket service that sends every message back. Run with a port."""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    """Until the peer closes."""
    async for message in connection:
        await connection.send(message)


async def main(port: int) -> None:
    """Until killed."""
    async with serve(echo, "127.0.0.1", port, ping_interval=None, compression=None, backlog=4096) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
