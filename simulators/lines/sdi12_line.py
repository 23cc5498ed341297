"""An SDI-12 line behind a transparent adapter on a pseudo-terminal: several sensors, told apart by their addresses."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from simulators.lines.pty_port import PtyPort
from simulators.twins.sdi12 import Sdi12Twin

_BITS_A_CHARACTER = 10
_BREAK_AND_MARK_S = 0.0203


class Sdi12Line:
    """The line found under the symbolic link `link`. `baud` (SDI-12: 1200) lets commands and answers take the time
    they take on the wire; None: no time. `echo`: the adapter sends every command back.
    """

    def __init__(
        self, link: Path, twins: Sequence[Sdi12Twin] = (), baud: int | None = None, echo: bool = False
    ) -> None:
        self.twins = list(twins)
        self.port = PtyPort(link, self._received)
        self._baud = baud
        self._echo = echo
        self._unread = ""
        self._said: dict[int, str] = {}
        self._under_way: set[asyncio.TimerHandle] = set()

    @property
    def link(self) -> Path:
        return self.port.link

    async def plug(self) -> None:
        """Open the line, or plug the adapter in again, under the same link."""
        self.port.open()

    async def unplug(self) -> None:
        """Take the adapter away: the far end hangs up."""
        for timer in self._under_way:
            timer.cancel()
        self._under_way.clear()
        self._unread = ""
        self.port.close()

    def _received(self, data: bytes) -> None:
        self._unread += data.decode("ascii", "replace")
        *commands, self._unread = self._unread.split("!")
        for command in commands:
            self._obey(command.strip("\r\n\0"))

    def _obey(self, command: str) -> None:
        if self._echo:
            self.port.write(f"{command}!".encode("ascii", "replace"))
        taken_s = _BREAK_AND_MARK_S + self._wire_s(f"{command}!") if self._baud else 0.0
        for twin in self.twins:
            if twin.faults.amount("unplug"):
                continue
            if command[:1] in (twin.unit, "?"):
                twin.answer(command, lambda text, twin=twin: self._answer(twin, text, taken_s))  # type: ignore[misc]
            else:
                twin.overhear(command)

    def _answer(self, twin: Sdi12Twin, text: str, taken_s: float) -> None:
        faults = twin.faults
        said, self._said[id(twin)] = self._said.get(id(twin), text), text
        if faults.amount("silence") or faults.amount("unplug"):
            return
        if faults.amount("stale"):
            text = said
        if faults.amount("foreign"):
            text = chr(ord(text[0]) ^ 1) + text[1:]
        if faults.amount("crc_error"):
            text = text[:-1] + chr(ord(text[-1]) ^ 2)
        raw = text.encode("ascii") + b"\r\n"
        self._send_after(
            faults.amount("late") + taken_s + self._wire_s(text), raw * (2 if faults.amount("duplicate") else 1)
        )

    def _wire_s(self, text: str) -> float:
        return (len(text) + 2) * _BITS_A_CHARACTER / self._baud if self._baud else 0.0

    def _send_after(self, seconds: float, raw: bytes) -> None:
        if seconds <= 0:
            self.port.write(raw)
            return

        def send() -> None:
            self._under_way.discard(timer)
            self.port.write(raw)

        timer = asyncio.get_running_loop().call_later(seconds, send)
        self._under_way.add(timer)
