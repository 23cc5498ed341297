"""Modbus RTU as a conversation: bytes in, frames out, with silence between frames."""

import asyncio
from collections.abc import Callable

from simulators.frames import Request, RtuSplitter, rtu_frame
from simulators.lines.exchange import Exchange

# 3.5 characters are 4 ms at 9600 baud; a busy machine delays bytes on a pty longer than that
_SILENCE_S = 0.02
_BITS_A_CHARACTER = 10


class RtuTalk:
    """Answers what arrives with `send`, as soon as the request is complete and the wire would allow it."""

    def __init__(
        self, exchange: Exchange, send: Callable[[bytes], None], baud: int | None = None, reply_s: float = 0.0
    ) -> None:
        self._exchange = exchange
        self._send = send
        self._seconds_a_byte = _BITS_A_CHARACTER / baud if baud else 0.0
        self._reply_s = reply_s
        self._splitter = RtuSplitter()
        self._silence: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.TimerHandle] = set()

    def received(self, data: bytes) -> None:
        if self._silence:
            self._silence.cancel()
            self._silence = None
        self._answer(self._splitter.feed(data))
        if self._splitter.waiting:
            self._silence = asyncio.get_running_loop().call_later(_SILENCE_S, self._fell_silent)

    def stop(self) -> None:
        """Nothing more is sent."""
        for timer in (*self._under_way, *([self._silence] if self._silence else [])):
            timer.cancel()
        self._under_way.clear()
        self._splitter.silence()

    def _fell_silent(self) -> None:
        self._silence = None
        self._answer(self._splitter.silence())

    def _answer(self, requests: list[Request]) -> None:
        for request in requests:
            for reply in self._exchange.replies(request):
                frame = rtu_frame(reply.unit, reply.pdu)
                if reply.damaged:
                    frame = frame[:-1] + bytes([frame[-1] ^ 0x55])
                on_wire_s = (len(request.pdu) + 3 + len(frame)) * self._seconds_a_byte
                self._send_after(reply.after_s + self._reply_s + on_wire_s, frame)

    def _send_after(self, seconds: float, frame: bytes) -> None:
        if seconds <= 0:
            self._send(frame)
            return

        def send() -> None:
            self._under_way.discard(timer)
            self._send(frame)

        timer = asyncio.get_running_loop().call_later(seconds, send)
        self._under_way.add(timer)
