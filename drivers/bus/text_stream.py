"""An instrument that streams lines of text on a serial port, asked or not: what came last is what counts.

A line ends with a carriage return, a line feed or both. The rest of a line that was under way when the port was opened
is thrown away, for half a number is a number, too; so is a line that does not end.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from agent.domain.clock import Clock
from agent.domain.errors import NoReply
from agent.domain.farm import BusSettings
from drivers.bus.serial_port import PortLine
from drivers.bus.tap import Tap

LONGEST_LINE: Final = 256
_REMEMBERED: Final = 32
_END: Final = re.compile(rb"[\r\n]")


class TextStream(PortLine):
    """A `StreamBus`."""

    def __init__(self, settings: BusSettings, clock: Clock, tap: Tap | None = None) -> None:
        super().__init__(settings, clock, tap, self._on_bytes)
        self._lines: deque[tuple[float, str]] = deque(maxlen=_REMEMBERED)
        self._torn = True

    async def open(self) -> None:
        async with self._lock:
            self._opened()

    async def newest_line(self, wanted: Callable[[str], bool], max_age_s: float) -> str:
        async with self._lock:
            self._opened()
            deadline = self._clock.boot_s() + max_age_s
            while True:
                line = self._taken(wanted, max_age_s)
                if line is not None:
                    return line
                left = deadline - self._clock.boot_s()
                if left <= 0 or not await self._port.more(left):
                    raise NoReply(f"no line in {max_age_s:g} s on {self._port.device}{self._instead()}")

    def _opened(self) -> None:
        if not self._port.is_open:
            self._port.open()
            self._lines.clear()
            self._torn = True

    def _taken(self, wanted: Callable[[str], bool], max_age_s: float) -> str | None:
        """The newest line that is wanted and fresh; it and all before it are nobody's any more."""
        oldest = self._clock.boot_s() - max_age_s
        while self._lines:
            at_s, line = self._lines.pop()
            if at_s < oldest:
                self._lines.clear()
            elif wanted(line):
                self._lines.clear()
                return line
        return None

    def _instead(self) -> str:
        received = bytes(self._port.received)
        return f"; {received[-40:]!r} has no line end (is the baud rate right?)" if received else ""

    def _on_bytes(self) -> None:
        """Take the finished lines out of what was received."""
        received = self._port.received
        while end := _END.search(received):
            raw = bytes(received[: end.start()])
            del received[: end.end()]
            if not self._torn and len(raw) <= LONGEST_LINE and (line := raw.decode("latin-1").strip(" \0")):
                self._port.tell(False, raw)
                self._lines.append((self._clock.boot_s(), line))
            self._torn = False
        if len(received) > LONGEST_LINE:
            self._torn = True
