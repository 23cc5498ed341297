"""Lines of text on a serial port: commands and answers ended by a carriage return (Atlas Scientific EZO and kin).

What arrives unasked is thrown away, with one exception: a device says by itself that it restarted, and the next caller
is told.
"""

import asyncio
from typing import Final

from agent.domain.clock import Clock
from agent.domain.errors import BadReply, NoReply
from agent.domain.farm import BusSettings
from drivers.bus.serial_port import PortLine
from drivers.bus.tap import Tap

_DONE: Final = frozenset({"*OK", "*ER"})
# Atlas Scientific, EZO data sheets, response codes.
_STATUS: Final = frozenset({"*OK", "*ER", "*OV", "*UV", "*RS", "*RE", "*SL", "*WA", "*DONE"})
RESTARTED: Final = frozenset({"*RS", "*RE"})

# A device with its status lines switched off sends the answer alone; the status line otherwise follows at once.
_STATUS_WITHIN_S = 0.1


class TextLine(PortLine):
    """A `TextBus`; one command at a time, whoever asks."""

    def __init__(self, settings: BusSettings, clock: Clock, tap: Tap | None = None) -> None:
        super().__init__(settings, clock, tap)
        # Ten bits a character, ten characters: "*OK" and some slack, at whatever baud.
        self._status_within_s = _STATUS_WITHIN_S + 100 / self._port.line.baud

    async def ask(self, command: str, answer_within_s: float) -> list[str]:
        async with self._lock:
            restarts = _restarts(await self._port.silent())
            async with self._port.asked(command.encode("ascii") + b"\r", answer_within_s):
                loop = asyncio.get_running_loop()
                deadline = loop.time() + answer_within_s
                try:
                    return restarts + await self._lines(command, answer_within_s)
                except BadReply:
                    self.owe(deadline - loop.time())
                    raise

    def owe(self, seconds: float) -> None:
        self._port.owe(seconds)

    async def _lines(self, command: str, answer_within_s: float) -> list[str]:
        """The answer to the command just sent."""
        lines: list[str] = []
        wants_more = _wants_more(command)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + answer_within_s
        while not (lines and lines[-1] in _DONE and _answers(lines, wants_more)):
            if line := self._next_line(command):
                lines.append(line)
                if line not in RESTARTED and _answers(lines, wants_more):
                    deadline = min(deadline, loop.time() + self._status_within_s)
            elif not await self._port.more(deadline - loop.time()):
                break
        where = self._port.device
        if lines and _answers(lines, wants_more):
            return lines
        if lines:
            raise BadReply(f"bad answer to {command} on {where}: nothing but {' '.join(lines)}")
        if self._port.received:
            raise BadReply(f"bad answer to {command} on {where}: {bytes(self._port.received)!r} and no line end")
        raise NoReply(f"no answer to {command} in {answer_within_s:g} s on {where}")

    def _next_line(self, command: str) -> str:
        """Take the first finished line out of what was received; empty when there is none."""
        received = self._port.received
        while (end := received.find(b"\r")) >= 0:
            raw = bytes(received[:end]).strip()
            del received[: end + 1]
            line = raw.decode("ascii", "replace")
            if not (raw.isascii() and line.isprintable()):
                raise BadReply(f"bad answer to {command} on {self._port.device}: {raw!r} is not text")
            if line.startswith("*") and line.upper() not in _STATUS:
                raise BadReply(f"bad answer to {command} on {self._port.device}: {line!r} is no status")
            if line and line != command:  # an adapter may echo it
                return line
        return ""


def _wants_more(command: str) -> bool:
    """Whether a status line alone is no answer: it then belongs to the command before, and the answer is to come."""
    return command in ("R", "Status") or command.endswith("?")


def _answers(lines: list[str], wants_more: bool) -> bool:
    return not wants_more or lines[-1] == "*ER" or any(not line.startswith("*") for line in lines)


def _restarts(unasked: bytes) -> list[str]:
    return [line for raw in unasked.split(b"\r") if (line := raw.strip().decode("latin-1")) in RESTARTED]
