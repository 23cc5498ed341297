"""Maxim DS18B20 thermometers, as the kernel's w1_therm driver shows them in `w1_slave`.

Source: DS18B20 data sheet (scratchpad, CRC) and drivers/w1/slaves/w1_therm.c of Linux (the file, and which scratchpads
it calls invalid). The first line has the nine bytes of the scratchpad, `crc=` and YES or NO; the second repeats the
last good ones, with `t=` in thousandths of a degree. Nothing of the second line is believed: after NO it is old.

- 85 °C is what a thermometer holds that lost its power before it could measure; then byte 6 is 0x0C, which a measured
  85 °C is not known to have. 127.94 °C (0x07FF), above its range, means too little power to measure.
- A data line short-circuited to ground reads as zeros, and zeros pass the CRC: their configuration byte is impossible.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from agent.domain.errors import BadReply
from agent.domain.farm import Protocol, Span, Unit
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.interfaces import Bus, Channel, OneWireBus, ProbeDriver

_FILE: Final = re.compile(r"((?:[0-9a-f]{2} ){9}): crc=([0-9a-f]{2}) (YES|NO)\n.*", re.ASCII | re.DOTALL)
_POWER_ON: Final = 85 * 16
_NO_POWER: Final = 0x07FF
_UNMEASURED: Final = 0x0C
_NOT_MEASURED_BITS: Final = {0: 3, 1: 2, 2: 1, 3: 0}
"""How many of the lowest bits mean nothing, by resolution (9 to 12 bits)."""

_TEMPERATURE: Final = Channel("temperature", Quantity.TEMPERATURE, Span(-55, 125))


@dataclass(frozen=True, slots=True, eq=False)
class Ds18b20Profile:
    """The `Profile`."""

    name: str = "ds18b20"
    title: str = "Maxim DS18B20"
    channels: tuple[Channel, ...] = (_TEMPERATURE,)
    protocols: frozenset[Protocol] = frozenset({Protocol.ONE_WIRE})
    min_period_s: float = 0.0

    def driver(self, bus: Bus, unit: Unit) -> ProbeDriver:
        return Ds18b20Driver(cast(OneWireBus, bus), str(unit))


class Ds18b20Driver:
    """Reads one thermometer."""

    def __init__(self, bus: OneWireBus, device: str) -> None:
        self._bus = bus
        self._device = device

    async def read(self) -> Mapping[str, float | Missing]:
        text = await self._bus.measure(self._device)
        try:
            return {_TEMPERATURE.name: celsius(text)}
        except ValueError as error:
            raise BadReply(f"bad answer from {self._device} on {self._bus.name}: {error}") from error


def celsius(text: str) -> float | Missing:
    """The temperature in the text of `w1_slave`, or why the thermometer has none. ValueError: nothing of it is
    to be believed.
    """
    found = _FILE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:60]!r} is no scratchpad")
    pad = bytes.fromhex(found[1])
    if found[3] == "NO" or int(found[2], 16) != pad[8] or crc8(pad[:8]) != pad[8]:
        raise ValueError(f"CRC error in {found[1].strip()}")
    if pad[4] & 0x9F != 0x1F:
        raise ValueError(f"{found[1].strip()} is no DS18B20's scratchpad (is the data line short-circuited?)")
    sixteenths = int.from_bytes(pad[:2], "little", signed=True)
    if sixteenths == _NO_POWER:
        return Missing("the thermometer reports 127.94 °C: too little power to measure")
    if sixteenths == _POWER_ON and pad[6] == _UNMEASURED:
        return Missing("the thermometer reports the 85 °C of its power-up: it lost its power before it could measure")
    unused = _NOT_MEASURED_BITS[pad[4] >> 5 & 3]
    return (sixteenths >> unused << unused) / 16


def crc8(data: bytes) -> int:
    """CRC-8 of 1-Wire: polynomial x⁸ + x⁵ + x⁴ + 1, lowest bit first, start 0."""
    remainder = 0
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x8C if remainder & 1 else 0)
    return remainder
