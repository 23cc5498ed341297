"""A way to Kafka through this process that can be cut, stalled or slow, and knows what is written from its answers."""

import asyncio
import threading
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Callable
from typing import TypeVar

from tests.services.service import HOST

T = TypeVar("T")

_PRODUCE = 0


class Detour:
    """From `port` to the broker's `target`; it begins to listen with `open`. Attributes may be changed at any time and
    count for produce requests, but `goes_on`: while that is cleared, nothing at all passes.
    """

    def __init__(self, port: int, target: int) -> None:
        self.delay_s = 0.0
        self.loses_answers = False
        self.resets = False
        self.resets_topic: bytes | None = None
        self._port = port
        self._target = target
        self._connections: set[StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._goes_on = asyncio.Event()
        self.go_on()

    def open(self) -> None:
        self._run(self._open)

    def cut(self) -> None:
        """Every connection breaks off; new ones are refused."""
        self._run(self._cut)

    def stall(self) -> None:
        self._loop.call_soon_threadsafe(self._goes_on.clear)

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self._goes_on.set)

    def close(self) -> None:
        self.go_on()
        self.cut()
        self._run(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Callable[[], "asyncio.Future[T] | object"]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)  # type: ignore[arg-type]

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self._port)

    async def _cut(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in self._connections:
            connection.transport.abort()

    async def _end(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, client: StreamReader, to_client: StreamWriter) -> None:
        broker, to_broker = await asyncio.open_connection(HOST, self._target)
        pair = {to_client, to_broker}
        self._connections |= pair
        produced: set[bytes] = set()
        ways = [
            asyncio.ensure_future(self._requests(client, to_broker, produced)),
            asyncio.ensure_future(self._answers(broker, to_client, produced)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for one in pair:
                one.transport.abort()
            self._connections -= pair

    async def _requests(self, client: StreamReader, to_broker: StreamWriter, produced: set[bytes]) -> None:
        while True:
            frame = await _frame(client)
            await self._goes_on.wait()
            if int.from_bytes(frame[4:6], "big") == _PRODUCE:
                if self.resets or (self.resets_topic and self.resets_topic in frame):
                    return
                produced.add(frame[8:12])
            to_broker.write(frame)

    async def _answers(self, broker: StreamReader, to_client: StreamWriter, produced: set[bytes]) -> None:
        while True:
            frame = await _frame(broker)
            await self._goes_on.wait()
            if frame[4:8] in produced:
                if self.loses_answers:
                    return
                await asyncio.sleep(self.delay_s)
            to_client.write(frame)


async def _frame(reader: StreamReader) -> bytes:
    """Length, then for a request: API key (2 bytes), its version (2), correlation id (4); for an answer: that id."""
    try:
        length = await reader.readexactly(4)
        return length + await reader.readexactly(int.from_bytes(length, "big"))
    except (IncompleteReadError, ConnectionError):
        raise asyncio.CancelledError from None
