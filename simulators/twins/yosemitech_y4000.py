"""Yosemitech Y4000 multi-parameter sonde.

From the vendor's manual: 0x2601 ×16 gives eight floats: oxygen in mg/L, turbidity, conductivity, pH, temperature, ORP,
chlorophyll, blue-green algae; a probe that is not there reads 0. 0x1400 ×7 serial number, 0x0800 error flag, 0x0E00
brush interval, 0x1E00 supply. At least 60 s after power on. Conductivity in mS/cm, as its probe Y520-A sends it.
Common manners: `yosemitech`.
"""

from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import Block, constant, value_block
from simulators.twins.words import float_dcba, text
from simulators.twins.yosemitech import YosemitechTwin


class YosemitechY4000(YosemitechTwin):
    """`absent`: channels whose probe is not plugged in."""

    model = "yosemitech-y4000"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=10.0, dead_s=1.0, noise=0.01, update_s=1.0),
        "conductivity": Sense("conductivity_ms_per_cm", tau_s=3.0, noise=0.0002, update_s=1.0),
        "ph": Sense("ph", tau_s=6.0, noise=0.004, update_s=1.0),
        "temperature": Sense("temperature_c", tau_s=40.0, noise=0.01, update_s=1.0),
    }
    serial_number = "YL0440000A0001"

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self.absent: set[str] = set()

    def blocks(self, function: int) -> list[Block]:
        return [
            constant(0x0700, (0x0100, 0x0107)),
            constant(0x1400, text(self.serial_number, 7)),
            constant(0x0800, (0,)),
            self._probe(0x2601, "oxygen"),
            constant(0x2603, float_dcba(3.5)),
            self._probe(0x2605, "conductivity"),
            self._probe(0x2607, "ph"),
            self._probe(0x2609, "temperature"),
            constant(0x260B, float_dcba(210.5)),
            constant(0x260D, float_dcba(1.25)),
            constant(0x260F, float_dcba(0.5)),
        ]

    def _probe(self, address: int, channel: str) -> Block:
        return value_block(address, float_dcba, lambda: 0.0 if channel in self.absent else self.senses.read(channel))
