"""Modbus RTU as a conversation: bytes in, frames out, with silence between frames."""

import asyncio
from collections.abc import Callable

from simulators.frames import Request, RtuSplitter, rtu_frame
from simulators.lines.exchange import Exchange

# 3.5 characters are 4 ms at 9600 baud; a busy machine delays bytes on a pty longer than that
_SILENCE_S = 0.02
_BITS_A_CHARACTER = 10
_TIMER_LATE_S = 0.0002
_SHORTEST_GAP_S = 0.00175  # MODBUS over Serial Line V1.02, section 2.5.1.1


class RtuTalk:
    """Answers what arrives with `send`, as soon as the request is complete and the wire would allow it.

    With a baud rate characters take their time, frames are 3.5 of them apart, and a request that comes before that,
    or while an answer is on the wire, is lost: `collisions` counts those.
    """

    def __init__(
        self, exchange: Exchange, send: Callable[[bytes], None], baud: int | None = None, reply_s: float = 0.0
    ) -> None:
        self._exchange = exchange
        self._send = send
        self._seconds_a_byte = _BITS_A_CHARACTER / baud if baud else 0.0
        self._gap_s = max(_SHORTEST_GAP_S, 3.5 * self._seconds_a_byte) if baud else 0.0
        self._free_s = 0.0  # when the line has been silent for long enough, by the loop's clock
        self.collisions = 0
        self._reply_s = reply_s
        self._splitter = RtuSplitter()
        self._silence: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.TimerHandle] = set()

    def received(self, data: bytes) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._silence:
            self._silence.cancel()
            self._silence = None
        if self._seconds_a_byte and now_s < self._free_s:
            self.collisions += 1
            return
        self._answer(self._splitter.feed(data), now_s)
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
        self._answer(self._splitter.silence(), asyncio.get_running_loop().time())

    def _answer(self, requests: list[Request], now_s: float) -> None:
        for request in requests:
            for reply in self._exchange.replies(request):
                frame = rtu_frame(reply.unit, reply.pdu)
                if reply.damaged:
                    frame = frame[:-1] + bytes([frame[-1] ^ 0x55])
                on_wire_s = (len(request.pdu) + 3 + len(frame)) * self._seconds_a_byte + self._gap_s
                self._send_at(now_s + reply.after_s + self._reply_s + on_wire_s, frame)

    def _send_at(self, at_s: float, frame: bytes) -> None:
        loop = asyncio.get_running_loop()
        if at_s <= loop.time() and not self._seconds_a_byte:
            self._send(frame)
            return

        def send() -> None:
            self._under_way.discard(timer)
            while self._seconds_a_byte and loop.time() < at_s:
                pass  # a wire has no timers that come late
            self._free_s = loop.time() + self._gap_s
            self._send(frame)

        timer = loop.call_at(at_s - _TIMER_LATE_S if self._seconds_a_byte else at_s, send)
        self._free_s = max(self._free_s, at_s)
        self._under_way.add(timer)
