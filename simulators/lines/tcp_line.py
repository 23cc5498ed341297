"""Twins behind a TCP port: Modbus TCP, or Modbus RTU in a TCP stream as serial servers pass it on."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Literal

from simulators.frames import MbapSplitter, Request, mbap_frame
from simulators.lines.exchange import Exchange
from simulators.lines.rtu import RtuTalk
from simulators.twins.modbus import ModbusTwin

Framing = Literal["tcp", "rtu"]
HOST = "127.0.0.1"
_CHUNK = 4096


class TcpLine:
    """A listener on 127.0.0.1; `port` 0 takes a free one, which `port` then tells and later plugs keep."""

    def __init__(
        self, port: int = 0, twins: Sequence[ModbusTwin] = (), framing: Framing = "tcp", reply_s: float = 0.0
    ) -> None:
        self.port = port
        self.framing = framing
        self.exchange = Exchange(twins)
        self._reply_s = reply_s
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._replies: set[asyncio.Task[None]] = set()

    @property
    def twins(self) -> list[ModbusTwin]:
        return self.exchange.twins

    async def plug(self) -> None:
        """Start to listen; raises OSError when the port is taken. Harmless when listening."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Stop listening and cut all connections. Harmless when not listening."""
        if self._server is None:
            return
        self._server.close()
        for task in self._replies:
            task.cancel()
        talks = [task for task in self._talks.values() if task]
        for writer in self._talks:
            writer.transport.abort()
        await asyncio.gather(*talks)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks[writer] = asyncio.current_task()
        try:
            with contextlib.suppress(ConnectionError, ValueError):
                await (self._talk_rtu if self.framing == "rtu" else self._talk_mbap)(reader, writer)
        finally:
            del self._talks[writer]
            writer.transport.abort()

    async def _talk_rtu(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = RtuTalk(self.exchange, writer.write, reply_s=self._reply_s)
        try:
            while data := await reader.read(_CHUNK):
                talk.received(data)
        finally:
            talk.stop()

    async def _talk_mbap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = MbapSplitter()
        while data := await reader.read(_CHUNK):
            for request in splitter.feed(data):
                self._answer(request, writer)

    def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        for reply in self.exchange.replies(request):
            frame = mbap_frame(request, reply.unit, reply.pdu)
            seconds = reply.after_s + self._reply_s
            if seconds <= 0:
                writer.write(frame)
                continue
            task = asyncio.create_task(_write_after(seconds, writer, frame))
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)


async def _write_after(seconds: float, writer: asyncio.StreamWriter, frame: bytes) -> None:
    await asyncio.sleep(seconds)
    if not writer.is_closing():
        writer.write(frame)
