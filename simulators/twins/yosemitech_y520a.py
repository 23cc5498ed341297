"""Yosemitech Y520-A and Y521-A conductivity probes.

From the vendor's manual: 01 10 1C 00 00 00 00 D8 92, a write of no registers, starts measuring; 0x2600 ×5 then gives
°C, mS/cm and in the high byte of the last register a status (0 fine, 0xFF range switching failed). After power on at
least 10 s, then every 3 s. Common manners: `yosemitech`.
"""

from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import WRITE_MANY, Block, value_block
from simulators.twins.words import float_dcba
from simulators.twins.yosemitech import YosemitechTwin

_START = 0x1C00


class YosemitechY520a(YosemitechTwin):
    model = "yosemitech-y520a"
    channels: ClassVar = {
        "conductivity": Sense("conductivity_ms_per_cm", tau_s=3.0, noise=0.0002, update_s=3.0),
        "temperature": Sense("temperature_c", tau_s=40.0, noise=0.01, update_s=3.0),
    }
    commands = frozenset({_START, 0x2E00})
    serial_number = "YL0920A0000001"

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self.range_error = False
        self._started = False

    def answer(self, pdu: bytes) -> bytes | None:
        if pdu[:1] == bytes([WRITE_MANY]) and pdu[1:3] == _START.to_bytes(2, "big"):
            self._started = True
        return super().answer(pdu)

    def blocks(self, function: int) -> list[Block]:
        return [
            *super().blocks(function),
            value_block(0x2600, float_dcba, lambda: self._measured("temperature")),
            value_block(0x2602, float_dcba, lambda: self._measured("conductivity")),
            Block(0x2604, 1, lambda: (0xFF00 if self.range_error else 0,)),
        ]

    def _measured(self, channel: str) -> float | None:
        """What a probe that was not started shows is not documented; here it shows nothing at all."""
        return self.senses.read(channel) if self._started else None
