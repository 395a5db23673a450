"""A service that streams: `GET …/bytes/N` sends N bytes, `POST` counts what it is sent. Run with a port."""

import asyncio
import re
import sys

import uvloop

_BLOCK = bytes(64 * 1024)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, then the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"POST"):
        answer = b"%d" % await _count(reader, head)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
    else:
        size = int(head.split(b" ", 2)[1].rpartition(b"/")[2])
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        await _send(writer, size)
    await writer.drain()
    writer.close()


async def _count(reader: asyncio.StreamReader, head: bytes) -> int:
    length = _LENGTH.search(head)
    announced, seen = int(length[1]) if length else 0, 0
    while seen < announced:
        piece = await reader.read(256 * 1024)
        if not piece:
            break
        seen += len(piece)
    return seen


async def _send(writer: asyncio.StreamWriter, size: int) -> None:
    while size > 0:
        piece = _BLOCK[:size]
        writer.write(piece)
        size -= len(piece)
        await writer.drain()


async def main(port: int) -> None:
    """Until killed."""
    server = await asyncio.start_server(serve_one, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
