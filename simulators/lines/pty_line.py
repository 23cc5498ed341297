"""Serial lines on pseudo-terminals: several Modbus RTU twins on one pair of wires, or one text probe on a UART."""

import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from simulators.faults import Faults
from simulators.lines.exchange import Exchange
from simulators.lines.pty_port import PtyPort
from simulators.lines.rtu import RtuTalk
from simulators.twins.modbus import ModbusTwin


class PtyLine:
    """An RS-485 line with Modbus RTU, found under the symbolic link `link`.

    `baud` makes requests and replies take the time that 8N1 characters take on a wire, demands the silence between
    them, and what is sent at another rate is noise; None: no time, at any rate.
    """

    def __init__(
        self, link: Path, twins: Sequence[ModbusTwin] = (), baud: int | None = None, reply_s: float = 0.0
    ) -> None:
        self.exchange = Exchange(twins)
        self.port = PtyPort(link, self._received)
        self._speed = getattr(termios, f"B{baud}", None)
        self._talk = RtuTalk(self.exchange, self.port.write, baud, reply_s)

    @property
    def link(self) -> Path:
        return self.port.link

    @property
    def twins(self) -> list[ModbusTwin]:
        return self.exchange.twins

    @property
    def collisions(self) -> int:
        """Requests that were lost since they came too soon."""
        return self._talk.collisions

    async def plug(self) -> None:
        """Open the line, or plug the adapter in again, under the same link."""
        self.port.open()

    async def unplug(self) -> None:
        """Take the adapter away: the far end hangs up."""
        self._talk.stop()
        self.port.close()

    def _received(self, data: bytes) -> None:
        if self._speed is None or self.port.speed == self._speed:
            self._talk.received(data)


class TextTwin(Protocol):
    """A probe that speaks lines of text on a UART of its own."""

    name: str
    faults: Faults

    @property
    def model(self) -> str: ...
    def power_up(self, port: PtyPort) -> None: ...
    def power_down(self) -> None: ...
    def received(self, data: bytes) -> None: ...


class TextLine:
    """A UART with one text probe, found under the symbolic link `link`."""

    def __init__(self, link: Path, twin: TextTwin) -> None:
        self.twin = twin
        self.port = PtyPort(link, twin.received)

    @property
    def link(self) -> Path:
        return self.port.link

    @property
    def twins(self) -> list[TextTwin]:
        return [self.twin]

    async def plug(self) -> None:
        """Open the line and power the probe up."""
        if not self.port.is_open:
            self.port.open()
            self.twin.power_up(self.port)

    async def unplug(self) -> None:
        """Take the adapter away; the probe loses its power."""
        self.twin.power_down()
        self.port.close()
