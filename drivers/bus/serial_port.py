"""A serial port on which devices speak text, and only when asked: what every kind of text line is made of.

pyserial opens and locks the port; the event loop watches it, so nothing here blocks. As on Modbus, a line that failed
stays silent until a late answer can no longer come, and what arrives unasked is nobody's answer.
"""

import asyncio
import os
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import serial

from agent.domain.clock import Clock
from agent.domain.errors import BusError, ProbeError
from agent.domain.farm import BusSettings, SerialLine
from drivers.bus.port import reason
from drivers.bus.silence import Silence
from drivers.bus.tap import Frame, Tap

LONGEST_LINE = 512


class SerialPort:
    """`received` holds what came and was not taken yet, at most the newest `LONGEST_LINE` bytes of it. `on_bytes` is
    called when more came.
    """

    def __init__(
        self, settings: BusSettings, clock: Clock, tap: Tap | None, on_bytes: Callable[[], None] | None = None
    ) -> None:
        if not isinstance(settings.port, SerialLine):
            raise TypeError(f"bus {settings.name}: lines of text need a serial port")
        self.line = settings.port
        self.device = settings.port.device
        self.received = bytearray()
        self._quiet_s = settings.quiet_s
        self._clock = clock
        self._tap = tap
        self._on_bytes = on_bytes
        self._silence = Silence(clock, settings.quiet_s, self.device)
        self._port: serial.Serial | None = None
        self._arrival = asyncio.Event()
        self._asking = False
        self._heard = b""

    @property
    def is_open(self) -> bool:
        return self._port is not None

    def open(self) -> None:
        """Raises BusError. Harmless when open."""
        if self._port is not None:
            return
        line = self.line
        try:
            port = serial.Serial(
                line.device,
                line.baud,
                bytesize=line.data_bits,
                parity=line.parity,
                stopbits=line.stop_bits,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:
            raise BusError(f"cannot open {line.device}: {reason(error)}") from error
        self._port = port
        self.received.clear()
        asyncio.get_running_loop().add_reader(port.fileno(), self._on_readable)
        # An answer to whoever used the line before us may still be under way.
        self._silence.demand(self._quiet_s)

    def close(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            asyncio.get_running_loop().remove_reader(port.fileno())
            port.close()

    async def silent(self) -> bytes:
        """Open the port, wait out the silence the line owes, and return what had come though nobody asked."""
        self.open()
        await self._silence.kept()
        if unasked := bytes(self.received):
            self.tell(False, unasked, "nobody had asked")
        self.received.clear()
        return unasked

    @asynccontextmanager
    async def asked(self, question: bytes, answer_within_s: float) -> AsyncIterator[None]:
        """Send `question`; the answer is received within. If that fails, the line owes silence: after a cancellation
        for as long as the answer may still take.
        """
        owed_s = self._quiet_s
        self._asking, self._heard = True, b""
        try:
            self._send(question)
            yield
            self.tell(False, self._heard)
            owed_s = 0.0
        except (BusError, ProbeError) as error:
            self.tell(False, self._heard, str(error))
            raise
        except asyncio.CancelledError:
            owed_s = answer_within_s + self._quiet_s
            raise
        finally:
            self._asking = False
            self.received.clear()
            if owed_s:
                self._silence.demand(owed_s)
                self._forget_unsent()

    def owe(self, seconds: float) -> None:
        """Something may come for so long yet, and then for the usual time."""
        self._silence.demand(max(0.0, seconds) + self._quiet_s)

    async def more(self, within_s: float) -> bool:
        """Wait for bytes: True when some came, False when none did in time; BusError when the port is gone."""
        self._arrival.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._arrival.wait()
        except TimeoutError:
            return False
        if self._port is None:
            raise BusError(f"{self.device} was lost")
        return True

    def tell(self, sent: bool, data: bytes, objection: str | None = None) -> None:
        if self._tap is not None:
            self._tap(Frame(self._clock.boot_s(), sent, data, objection))

    def _send(self, question: bytes) -> None:
        assert self._port is not None  # noqa: S101 - `silent` opened it
        shown = question.decode("ascii").strip()
        try:
            sent = os.write(self._port.fileno(), question)
        except OSError as error:
            self.close()
            raise BusError(f"{self.device} was lost while sending {shown}: {reason(error)}") from error
        if sent < len(question):
            raise BusError(f"{self.device} takes no more bytes: is its adapter stuck?")
        self.tell(True, question)

    def _forget_unsent(self) -> None:
        """A command that never left must not go out minutes later, when a stuck adapter wakes up."""
        if self._port is not None:
            with suppress(OSError, termios.error):
                termios.tcflush(self._port.fileno(), termios.TCOFLUSH)

    def _on_readable(self) -> None:
        if self._port is None:
            return
        try:
            data = os.read(self._port.fileno(), 1024)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:  # a port that is readable but has nothing to read has left
            self.close()
        self.received += data
        if self._asking:
            self._heard = (self._heard + data)[-LONGEST_LINE:]
        else:
            self._silence.disturbed()
        if self._on_bytes is not None:
            self._on_bytes()
        del self.received[:-LONGEST_LINE]
        self._arrival.set()


class PortLine:
    """What every bus of text on a serial port is: one caller has it at a time."""

    def __init__(
        self, settings: BusSettings, clock: Clock, tap: Tap | None, on_bytes: Callable[[], None] | None = None
    ) -> None:
        self.name = settings.name
        self.quiet_s = settings.quiet_s
        self._clock = clock
        self._port = SerialPort(settings, clock, tap, on_bytes)
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        async with self._lock:
            self._port.open()

    async def close(self) -> None:
        async with self._lock:
            self._port.close()
