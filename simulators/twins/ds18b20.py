"""A DS18B20 thermometer as the kernel's w1_therm driver shows it: the two lines of its file `w1_slave`.

The scratchpad of nine bytes (Maxim DS18B20 data sheet): temperature in sixteenths of a degree, low byte first; alarm
limits; configuration (0x7F: 12 bits, 0.0625 °C); 0xFF; a reserved byte; 0x10; CRC-8. After power-up the temperature
reads 85 °C and byte 6 is 0x0C. The kernel compares the CRC and repeats the bytes of the last good reading.
"""

from typing import ClassVar

from simulators.probe import Sense, Senses

_POWER_ON = 85 * 16


class Ds18b20Twin:
    """One thermometer; `unit` is its name in the kernel's tree."""

    model = "ds18b20"
    channels: ClassVar = {"temperature": Sense("temperature_c", tau_s=15.0, noise=0.02, resolution=0.0625)}

    def __init__(self, senses: Senses, unit: str, name: str = "") -> None:
        self.senses = senses
        self.faults = senses.faults
        self.name = name or self.model
        self.unit = unit

    def w1_slave(self) -> str:
        """What reading the file gives now: nothing when the thermometer does not answer."""
        temperature = self.senses.read("temperature")
        if temperature is None or self.faults.amount("silence"):
            return ""
        if self.faults.amount("exception"):  # its power was gone for a moment
            return self.file(_POWER_ON, 0x0C)
        sixteenths = round(temperature * 16)
        return self.file(sixteenths, 16 - sixteenths % 16, bool(self.faults.amount("crc_error")))

    @staticmethod
    def file(sixteenths: int, byte_6: int, damaged: bool = False) -> str:
        pad = sixteenths.to_bytes(2, "little", signed=True) + bytes((0x4B, 0x46, 0x7F, 0xFF, byte_6, 0x10))
        told = crc8(pad)
        sent = pad + bytes((told ^ 0x55 if damaged else told,))
        shown = " ".join(f"{byte:02x}" for byte in sent)
        verdict = "NO" if damaged else "YES"
        return f"{shown} : crc={told:02x} {verdict}\n{shown} t={sixteenths * 1000 // 16}\n"


def crc8(data: bytes) -> int:
    """CRC-8 of 1-Wire: polynomial x⁸ + x⁵ + x⁴ + 1, lowest bit first, start 0."""
    remainder = 0
    for byte in data:
        for bit in range(8):
            feedback = (remainder ^ byte >> bit) & 1
            remainder = remainder >> 1 ^ (0x8C if feedback else 0)
    return remainder
