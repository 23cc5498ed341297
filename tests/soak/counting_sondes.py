"""Sondes that count: `python -m tests.soak.counting_sondes PORT` serves them on Modbus TCP until it is ended.

The n-th answer of a sonde holds in channel c the float 16 · n + c, so a value says for itself which answer and which
register it came from: what the gateway mixes up, makes up, alters or reads twice cannot pass.
"""

import asyncio
import struct
import sys
from collections import Counter
from typing import ClassVar

from simulators.frames import MbapSplitter, Request, mbap_frame

CHANNELS = 10
ANSWERS = 1_000_000
"""So many of a sonde can be told apart: a float has 24 bits."""

_READ_HOLDING = 3
_ILLEGAL_DATA_ADDRESS = 2


def value(answer: int, channel: int) -> float:
    return float(16 * answer + channel)


def answer_and_channel(found: float) -> tuple[int, int]:
    """The way back. ValueError for a value that no sonde served."""
    answer, channel = divmod(int(found), 16)
    if found != int(found) or not 0 < answer < ANSWERS or channel >= CHANNELS:
        raise ValueError(f"{found} was never served")
    return answer, channel


class Sondes(asyncio.Protocol):
    """One connection of the gateway; the count goes on over all of them."""

    answers: ClassVar[Counter[int]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._splitter = MbapSplitter()

    def data_received(self, data: bytes) -> None:
        for request in self._splitter.feed(data):
            self._transport.write(mbap_frame(request, request.unit, self._answer(request)))

    def _answer(self, request: Request) -> bytes:
        function, address, count = struct.unpack_from(">BHH", request.pdu)
        if (function, address, count) != (_READ_HOLDING, 0, 2 * CHANNELS):
            return bytes([function | 0x80, _ILLEGAL_DATA_ADDRESS])
        self.answers[request.unit] += 1
        values = [value(self.answers[request.unit], channel) for channel in range(CHANNELS)]
        return struct.pack(f">BB{CHANNELS}f", function, 4 * CHANNELS, *values)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sondes, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
