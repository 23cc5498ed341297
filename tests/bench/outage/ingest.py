"""An HTTP endpoint that is no bottleneck: `python -m tests.bench.outage.ingest` prints its port, and at the end of its
input how many records it took.

It reads a request by its Content-Length (none is no body), unpacks it (zlib checks the CRC) and counts the records'
sequence numbers; it parses no JSON and keeps nothing. A path that ends with `wait_ms=30` is answered so much later, as
by a cloud.
"""

import asyncio
import sys
import zlib

_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"rejected":[]}'
_GZIP = 16 + zlib.MAX_WBITS


class Connection(asyncio.Protocol):
    """One client, its requests one after the other."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._bytes = bytearray()
        self._wanted = 0

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        if not self._wanted:
            self._wanted = self._length_of_request()
        if self._wanted and len(self._bytes) >= self._wanted:
            self._take(bytes(self._bytes[: self._wanted]))
            del self._bytes[: self._wanted]
            self._wanted = 0

    def _length_of_request(self) -> int:
        """Head and body; 0 while the head is not complete."""
        head, blank, _ = self._bytes.partition(b"\r\n\r\n")
        if not blank:
            return 0
        lines = head.lower().split(b"\r\n")
        lengths = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
        return len(head) + len(blank) + sum(lengths)

    def _take(self, request: bytes) -> None:
        head, _, packed = request.partition(b"\r\n\r\n")
        if packed:
            Connection.taken += zlib.decompress(packed, _GZIP).count(b'"sequence":')
        path = head.split(b" ", 2)[1]
        wait_s = int(path.partition(b"wait_ms=")[2] or 0) / 1000
        asyncio.get_running_loop().call_later(wait_s, self._transport.write, _ANSWER)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(Connection.taken, flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
