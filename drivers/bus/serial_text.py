"""Lines of text on a serial port: commands and answers ended by a carriage return (Atlas Scientific EZO and kin).

pyserial opens and locks the port; the event loop watches it, so nothing here blocks. As on Modbus, a line that failed
stays silent until a late answer can no longer come, and what arrives unasked is thrown away. The one exception: a
device says by itself that it restarted, and the next caller is told.
"""

import asyncio
import os
import termios
from contextlib import suppress
from typing import Final

import serial

from agent.domain.clock import Clock
from agent.domain.errors import BadReply, BusError, NoReply, ProbeError
from agent.domain.farm import BusSettings, SerialLine
from drivers.bus.modbus import reason
from drivers.bus.silence import Silence
from drivers.bus.tap import Frame, Tap

_DONE: Final = frozenset({"*OK", "*ER"})
RESTARTED: Final = frozenset({"*RS", "*RE"})

# A device with its status lines switched off sends the answer alone; the status line otherwise follows at once.
_STATUS_WITHIN_S = 0.1
_LONGEST_LINE = 512


class TextLine:
    """A `TextBus`; one command at a time, whoever asks."""

    def __init__(self, settings: BusSettings, clock: Clock, tap: Tap | None = None) -> None:
        if not isinstance(settings.port, SerialLine):
            raise TypeError(f"bus {settings.name}: lines of text need a serial port")
        self.name = settings.name
        self._settings = settings
        self._line = settings.port
        self._clock = clock
        self._tap = tap
        self._lock = asyncio.Lock()
        self._silence = Silence(clock, settings.quiet_s, self._line.device)
        # Ten bits a character, ten characters: "*OK" and some slack, at whatever baud.
        self._status_within_s = _STATUS_WITHIN_S + 100 / self._line.baud
        self._port: serial.Serial | None = None
        self._received = bytearray()
        self._arrival = asyncio.Event()
        self._asking = False

    async def open(self) -> None:
        async with self._lock:
            self._connected()

    async def close(self) -> None:
        async with self._lock:
            self._disconnect()

    async def ask(self, command: str, answer_within_s: float) -> list[str]:
        async with self._lock:
            port = self._connected()
            await self._silence.kept()
            restarts = self._news()
            owed_s = self._settings.quiet_s
            self._asking = True
            try:
                self._send(port, command)
                lines = await self._lines(command, answer_within_s)
                self._tell(False, "".join(f"{line}\r" for line in lines).encode("ascii"))
                owed_s = 0.0
            except (BusError, ProbeError) as error:
                self._tell(False, bytes(self._received), str(error))
                raise
            except asyncio.CancelledError:
                owed_s = answer_within_s + self._settings.quiet_s
                raise
            finally:
                self._asking = False
                self._received.clear()
                if owed_s:
                    self._silence.demand(owed_s)
                    self._forget_unsent()
        return restarts + lines

    def _send(self, port: serial.Serial, command: str) -> None:
        question = command.encode("ascii") + b"\r"
        try:
            sent = os.write(port.fileno(), question)
        except OSError as error:
            self._disconnect()
            raise BusError(f"{self._line.device} was lost while sending {command}: {reason(error)}") from error
        if sent < len(question):
            raise BusError(f"{self._line.device} takes no more bytes: is its adapter stuck?")
        self._tell(True, question)

    def _forget_unsent(self) -> None:
        """A command that never left must not go out minutes later, when a stuck adapter wakes up."""
        if self._port is not None:
            with suppress(OSError, termios.error):
                termios.tcflush(self._port.fileno(), termios.TCOFLUSH)

    async def _lines(self, command: str, answer_within_s: float) -> list[str]:
        """The answer to the command just sent."""
        lines: list[str] = []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + answer_within_s
        while not (lines and lines[-1] in _DONE):
            if not await self._more(deadline - loop.time()):
                break
            fresh = self._complete_lines(command)
            lines += fresh
            if any(line not in RESTARTED for line in fresh):
                deadline = min(deadline, loop.time() + self._status_within_s)
        if lines:
            return lines
        if self._received:
            raise BadReply(f"bad answer to {command} on {self._line.device}: {bytes(self._received)!r} and no line end")
        raise NoReply(f"no answer to {command} in {answer_within_s:g} s on {self._line.device}")

    async def _more(self, within_s: float) -> bool:
        """Wait for bytes: True when some came, False when none did in time; BusError when the port is gone."""
        self._arrival.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._arrival.wait()
        except TimeoutError:
            return False
        if self._port is None:
            raise BusError(f"{self._line.device} was lost")
        return True

    def _complete_lines(self, command: str) -> list[str]:
        """Take the finished lines out of what was received; the status line ends the answer."""
        lines: list[str] = []
        while (end := self._received.find(b"\r")) >= 0:
            raw = bytes(self._received[:end]).strip()
            del self._received[: end + 1]
            if not raw:
                continue
            if not (raw.isascii() and raw.decode("latin-1").isprintable()):
                raise BadReply(f"bad answer to {command} on {self._line.device}: {raw!r} is not text")
            lines.append(raw.decode("ascii"))
            if lines[-1] in _DONE:
                break
        return lines

    def _news(self) -> list[str]:
        """The restarts among what came unasked; the rest is nobody's answer."""
        if self._received:
            self._tell(False, bytes(self._received), "nobody had asked")
        unasked = bytes(self._received).split(b"\r")
        self._received.clear()
        return [line for raw in unasked if (line := raw.strip().decode("latin-1")) in RESTARTED]

    def _tell(self, sent: bool, data: bytes, objection: str | None = None) -> None:
        if self._tap is not None:
            self._tap(Frame(self._clock.boot_s(), sent, data, objection))

    def _connected(self) -> serial.Serial:
        if self._port is not None:
            return self._port
        line = self._line
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
        self._received.clear()
        asyncio.get_running_loop().add_reader(port.fileno(), self._on_readable)
        # An answer to whoever used the line before us may still be under way.
        self._silence.demand(self._settings.quiet_s)
        return port

    def _disconnect(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            asyncio.get_running_loop().remove_reader(port.fileno())
            port.close()

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
            self._disconnect()
        self._received += data
        if not self._asking:
            self._silence.disturbed()
        if len(self._received) > _LONGEST_LINE:
            del self._received[:-_LONGEST_LINE]
        self._arrival.set()
