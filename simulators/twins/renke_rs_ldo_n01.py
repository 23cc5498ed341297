"""Renke RS-LDO-N01 optical dissolved oxygen probe.

From the vendor's manual: 4800 8N1, address 1, functions 03 and 04; wire addresses 0x0000 saturation as a fraction,
0x0002 mg/L, 0x0004 °C, floats ABCD. 0x1010 calibration (1 zero, 2 slope), 0x1020 salinity setting, 0x1022 pressure
setting in kPa·100, 0x07D0 address, 0x07D1 baud (1 = 4800).
Example of the manual: 01 03 00 00 00 06 C5 C8 → 3F6AEB52 40E248B0 41E585C5 = 0.918, 7.07 mg/L, 28.7 °C.

Response and noise as measured on a probe of the same principle: τ63 8.5 s, 0.008 mg/L; temperature takes 1 to 2 min.
"""

from typing import ClassVar

from simulators.probe import Sense
from simulators.twins.modbus import READ_HOLDING, READ_INPUT, WRITE_MANY, WRITE_ONE, Block, ModbusTwin, value_block
from simulators.twins.words import float_abcd


class RenkeRsLdoN01(ModbusTwin):
    model = "renke-rs-ldo-n01"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=8.5, dead_s=1.0, noise=0.008),
        "temperature": Sense("temperature_c", tau_s=30.0, noise=0.01),
    }
    reads = (READ_HOLDING, READ_INPUT)
    writes = (WRITE_ONE, WRITE_MANY)
    settings: ClassVar = {0x1010: 0, 0x1020: 0, 0x1022: 10132, 0x07D0: 1, 0x07D1: 1}
    address_register = 0x07D0

    def blocks(self, function: int) -> list[Block]:
        return [
            value_block(0x0000, float_abcd, self._fraction),
            value_block(0x0002, float_abcd, lambda: self.senses.read("oxygen")),
            value_block(0x0004, float_abcd, lambda: self.senses.read("temperature")),
        ]

    def _fraction(self) -> float | None:
        percent = self.senses.along("oxygen_percent", "oxygen")
        return None if percent is None else percent / 100
