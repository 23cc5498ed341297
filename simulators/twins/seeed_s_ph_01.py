"""Seeed SenseCAP S-pH-01 pH probe.

From its datasheet, chapter 6: 9600 8N1, address 1, functions 03, 04, 06, 16; wire addresses 0x0000 °C·100 with sign,
0x0001 pH·100, 0x0002 raw electrode value (-2000 to 2000; taken as mV·4 here, the scale is not documented). Writing
0xFFFF to 0x0030, 0x0031 or 0x0032 calibrates at pH 4.01, 7.00 or 10.01; 0x0020 temperature compensation (0 on),
0x0200 address, 0x0201 baud (3 = 9600).
"""

from typing import ClassVar

from simulators.probe import Sense
from simulators.twins.modbus import READ_HOLDING, READ_INPUT, WRITE_MANY, WRITE_ONE, Block, ModbusTwin, value_block
from simulators.twins.words import Words, s16, u16
from simulators.water import nernst_slope_mv


class SeeedSPh01(ModbusTwin):
    model = "seeed-s-ph-01"
    channels: ClassVar = {
        "ph": Sense("ph", tau_s=8.0, noise=0.006, resolution=0.01),
        "temperature": Sense("temperature_c", tau_s=40.0, noise=0.01, resolution=0.01),
    }
    reads = (READ_HOLDING, READ_INPUT)
    writes = (WRITE_ONE, WRITE_MANY)
    settings: ClassVar = {0x0020: 0, 0x0030: 0, 0x0031: 0, 0x0032: 0, 0x0200: 1, 0x0201: 3}
    address_register = 0x0200

    def blocks(self, function: int) -> list[Block]:
        return [
            value_block(0x0000, _hundredths, lambda: self.senses.read("temperature")),
            value_block(0x0001, lambda ph: u16(100 * ph), lambda: self.senses.read("ph")),
            value_block(0x0002, s16, self._raw),
        ]

    def _raw(self) -> float | None:
        ph, celsius = self.senses.read("ph"), self.senses.read("temperature")
        return None if ph is None or celsius is None else 4 * (7 - ph) * nernst_slope_mv(celsius)


def _hundredths(celsius: float) -> Words:
    return s16(100 * celsius)
