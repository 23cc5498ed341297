"""SDI-12 sensors as their specification (1.3) has them, on the text side of a transparent adapter.

A command is `a…!`, an answer `a…<CR><LF>`. `aM!` answers `atttn` (seconds, number of values), measures, and says
`a<CR><LF>` when it is ready; any other command on the line before that aborts it. `aC!` answers `atttnn`, says nothing
later, and nobody disturbs it. `aD0!` to `aD9!` give the values, at most 35 characters of them an answer (75 after C);
after `MC` and `CC` with a CRC. What is not known is answered by silence, an additional measurement by no values.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import ClassVar

from simulators.probe import Sense, Senses

_MOST_CHARACTERS = {"M": 35, "C": 75}


def crc(text: str) -> str:
    """CRC-16 with polynomial 0xA001 from 0, as three printable characters (section 4.4.12)."""
    remainder = 0
    for character in text:
        remainder ^= ord(character)
        for _ in range(8):
            low, remainder = remainder & 1, remainder >> 1
            remainder ^= 0xA001 * low
    return chr(64 | remainder >> 12) + chr(64 | remainder >> 6 & 63) + chr(64 | remainder & 63)


class Sdi12Twin:
    """One sensor. A model gives `numbers`, its values as text with sign."""

    model: ClassVar[str]
    channels: ClassVar[Mapping[str, Sense]]
    identity: ClassVar[str]
    """13, vendor (8), model (6), version (3): the answer to `aI!` without the address."""
    measure_s: ClassVar[float] = 0.5

    def __init__(self, senses: Senses, unit: str = "0", name: str = "") -> None:
        self.senses = senses
        self.faults = senses.faults
        self.name = name or self.model
        self.unit = unit
        self._answers: list[str] = []
        self._checked = False
        self._measuring: asyncio.TimerHandle | None = None

    def numbers(self) -> list[str]:
        raise NotImplementedError

    def overhear(self, command: str) -> None:
        """Another sensor is spoken to: that aborts a measurement, but not a concurrent one."""
        self._abort()

    def answer(self, command: str, send: Callable[[str], None]) -> None:
        """Obey one command (without its `!`); `send` takes an answer without <CR><LF>, now or later."""
        address, body = command[:1], command[1:]
        if address == "?":
            send(self.unit)
            return
        self._abort()
        if body == "":
            send(self.unit)
        elif body == "I":
            send(self.unit + self.identity)
        elif body in ("M", "MC", "C", "CC"):
            self._measure(body, send)
        elif body[0] in "MC" and body[-1] in "123456789":
            self._answers = []
            send(f"{self.unit}000" + ("0" if body[0] == "M" else "00"))
        elif len(body) == 2 and body[0] == "D" and body[1] in "0123456789":
            piece = self._answers[int(body[1])] if int(body[1]) < len(self._answers) else ""
            told = self.unit + piece
            send(told + crc(told) if self._checked else told)

    def _measure(self, body: str, send: Callable[[str], None]) -> None:
        numbers = self.numbers()
        self._checked = body.endswith("C") and len(body) > 1
        self._answers = []
        count = f"{len(numbers)}" if body[0] == "M" else f"{len(numbers):02}"
        send(f"{self.unit}{math.ceil(self.measure_s):03}{count}")

        def ready() -> None:
            self._measuring = None
            self._answers = _pieces(numbers, _MOST_CHARACTERS[body[0]])
            if body[0] == "M":
                send(self.unit)

        timer = asyncio.get_running_loop().call_later(self.measure_s, ready)
        if body[0] == "M":
            self._measuring = timer

    def _abort(self) -> None:
        if self._measuring:
            self._measuring.cancel()
            self._measuring = None


def _pieces(numbers: list[str], most: int) -> list[str]:
    pieces = [""]
    for number in numbers:
        if len(pieces[-1]) + len(number) > most:
            pieces.append("")
        pieces[-1] += number
    return pieces
