"""Seeed S-RJY-01 optical dissolved oxygen probe.

From its register list: 9600 8N1, factory address 55, functions 03 and 06; wire addresses 0x0100 °C·10 with sign,
0x0101 mg/L·100, 0x0102 saturation in %·10 (37 03 01 00 00 03 01 A1 reads all three). 0x1000 temperature correction,
0x1001 zero and 0x1003 slope calibration, 0x2000 address, 0x2003 baud (1 = 9600), 0x2020 reset.

Measured at 1 Hz on a real one: new values every two seconds, noise 0.006 to 0.012 mg/L, τ63 8 to 9 s.
"""

from typing import ClassVar

from simulators.probe import Sense
from simulators.twins.modbus import WRITE_MANY, WRITE_ONE, Block, ModbusTwin, value_block
from simulators.twins.words import s16, u16


class SeeedSRjy01(ModbusTwin):
    model = "seeed-s-rjy-01"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=8.5, dead_s=1.0, noise=0.009, resolution=0.01, update_s=2.0),
        "temperature": Sense("temperature_c", tau_s=45.0, noise=0.02, resolution=0.1, update_s=2.0),
    }
    factory_unit = 55
    writes = (WRITE_ONE, WRITE_MANY)
    settings: ClassVar = {0x1000: 0, 0x1001: 0, 0x1003: 0, 0x2000: 55, 0x2003: 1, 0x2020: 0}
    address_register = 0x2000

    def blocks(self, function: int) -> list[Block]:
        return [
            value_block(0x0100, lambda celsius: s16(10 * celsius), lambda: self.senses.read("temperature")),
            value_block(0x0101, lambda oxygen: u16(100 * oxygen), lambda: self.senses.read("oxygen")),
            value_block(0x0102, lambda percent: u16(10 * percent), self._percent),
        ]

    def _percent(self) -> float | None:
        return self.senses.along("oxygen_percent", "oxygen")
