"""An instrument with NMEA 0183 output that says the water's temperature once a second, asked or not.

`$YXMTW,17.5,C*11`: talker YX (transducer), sentence MTW, °C, and a checksum: all characters between $ and * by XOR.
Without a value the field is empty. Between its sentences it tells other things, as such instruments do.
"""

import asyncio
from typing import ClassVar

from simulators.lines.pty_port import PtyPort
from simulators.probe import Sense, Senses


def sentence(body: str) -> str:
    """`body` as an NMEA sentence without its line end."""
    checksum = 0
    for character in body:
        checksum ^= ord(character)
    return f"${body}*{checksum:02X}"


class NmeaMtw:
    """The instrument, on a UART of its own."""

    model = "nmea-0183-mtw"
    channels: ClassVar = {"temperature": Sense("temperature_c", tau_s=10.0, noise=0.02, resolution=0.1)}

    def __init__(self, senses: Senses, name: str = "") -> None:
        self.senses = senses
        self.faults = senses.faults
        self.name = name or self.model
        self._port: PtyPort | None = None
        self._running: asyncio.Task[None] | None = None
        self._last = ""
        self.every_s = 1.0

    def power_up(self, port: PtyPort) -> None:
        self._port = port
        self._running = asyncio.get_running_loop().create_task(self._run())

    def power_down(self) -> None:
        if self._running:
            self._running.cancel()
        self._running = self._port = None

    def received(self, data: bytes) -> None:
        """It listens to nobody."""

    async def _run(self) -> None:
        while True:
            if not (self.faults.amount("silence") or self.faults.amount("unplug")):
                await asyncio.sleep(self.faults.amount("late"))
                self._say(sentence("YXXDR,P,1.01325,B,BARO"))
                self._say(self._water())
            await asyncio.sleep(self.every_s)

    def _water(self) -> str:
        temperature = self.senses.read("temperature")
        said = sentence("YXMTW,," if temperature is None else f"YXMTW,{temperature:.1f},C")
        last, self._last = self._last or said, said
        return last if self.faults.amount("stale") else said

    def _say(self, line: str) -> None:
        raw = f"{line}\r\n".encode("ascii")
        if self.faults.amount("crc_error"):
            raw = raw[:7] + bytes([raw[7] ^ 1]) + raw[8:]
        if self._port:
            self._port.write(raw * 2 if self.faults.amount("duplicate") else raw)
