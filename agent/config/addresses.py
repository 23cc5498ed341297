"""What an address looks like on each kind of bus that has some."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.domain.farm import Protocol, Unit


@dataclass(frozen=True, slots=True)
class Addresses:
    """`kind` of address, `range` in words, and whether a unit is one."""

    kind: str
    range: str
    has: Callable[[Unit], bool]

    def __str__(self) -> str:
        return f"{self.kind}, {self.range}"


def _number(low: int, high: int) -> Callable[[Unit], bool]:
    return lambda unit: isinstance(unit, int) and low <= unit <= high


def _text(pattern: str) -> Callable[[Unit], bool]:
    return lambda unit: re.fullmatch(pattern, str(unit), re.ASCII) is not None


_SERIAL: Final = Addresses("Modbus address", "1 to 247", _number(1, 247))

ADDRESSES: Final = {
    Protocol.MODBUS_RTU: _SERIAL,
    Protocol.MODBUS_RTU_OVER_TCP: _SERIAL,
    Protocol.MODBUS_TCP: Addresses("Modbus address", "1 to 247 (0 and 255 too, on TCP)", _number(0, 255)),
    Protocol.SDI_12: Addresses("SDI-12 address", "one digit or letter", _text("[0-9A-Za-z]")),
    Protocol.ONE_WIRE: Addresses("1-Wire name", "28- and 12 hexadecimal digits", _text("28-[0-9a-f]{12}")),
}
"""By protocol; buses without addresses are not in it."""
