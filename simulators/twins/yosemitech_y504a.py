"""Yosemitech Y504-A optical dissolved oxygen probe.

From the vendor's manual: 01 03 25 00 00 01 8F 06 starts measuring (optional); 0x2600 ×4 gives °C and dissolved oxygen
as a fraction of saturation, newer units a third float in mg/L (×6); 0x2700 ×16 the cap's coefficients K0 to K7. Poll
every second at most. Common manners: `yosemitech`.
"""

from typing import ClassVar

from simulators.probe import Sense
from simulators.twins.modbus import Block, constant, value_block
from simulators.twins.words import float_dcba
from simulators.twins.yosemitech import YosemitechTwin


class YosemitechY504a(YosemitechTwin):
    model = "yosemitech-y504a"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=10.0, dead_s=1.0, noise=0.01, update_s=1.0),
        "temperature": Sense("temperature_c", tau_s=40.0, noise=0.01, update_s=1.0),
    }
    commands = frozenset({0x2500, 0x2E00})
    serial_number = "YL0504A000001"

    def blocks(self, function: int) -> list[Block]:
        cap = tuple(word for k in (0.1, -0.3, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0) for word in float_dcba(k))
        return [
            *super().blocks(function),
            value_block(0x2600, float_dcba, lambda: self.senses.read("temperature")),
            value_block(0x2602, float_dcba, self._fraction),
            value_block(0x2604, float_dcba, lambda: self.senses.read("oxygen")),
            constant(0x2700, cap),
        ]

    def _fraction(self) -> float | None:
        percent = self.senses.along("oxygen_percent", "oxygen")
        return None if percent is None else percent / 100
