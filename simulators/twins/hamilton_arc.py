"""Hamilton Arc probes: VisiFerm DO Arc and pH Arc.

From the vendor's programmer's manual: 19200 8N2, address 1 (1 to 32), functions 03 and 04; words of a 32-bit value
low word first (CDAB). The manual counts registers from 1: primary measurement 2090, temperature 2410, quality 4872,
operator level 4288, address 4096; on the wire one less. A measurement is a block of ten: unit as a bit mask with one
bit set (0x1000 pH, 0x80 mg/L, 0x04 °C), value, status (0 fine), smallest and largest value.
"""

from typing import ClassVar

from simulators.probe import Sense
from simulators.twins.modbus import READ_HOLDING, READ_INPUT, WRITE_MANY, Block, ModbusTwin, constant, value_block
from simulators.twins.words import Words, float_cdab, u32_cdab

UNIT_CELSIUS, UNIT_MG_PER_L, UNIT_PH = 0x04, 0x80, 0x1000
_PRIMARY, _TEMPERATURE, _QUALITY, _OPERATOR = 2089, 2409, 4871, 4287


class _HamiltonArc(ModbusTwin):
    main: ClassVar[str]
    unit_bit: ClassVar[int]
    span: ClassVar[tuple[float, float]]
    reads = (READ_HOLDING, READ_INPUT)
    writes = (WRITE_MANY,)
    settings: ClassVar = {4095: 1, 4096: 0}
    address_register = 4095

    def blocks(self, function: int) -> list[Block]:
        return [
            *self._measurement(_PRIMARY, self.main, self.unit_bit, self.span),
            *self._measurement(_TEMPERATURE, "temperature", UNIT_CELSIUS, (-10.0, 140.0)),
            constant(_OPERATOR, u32_cdab(0x03)),
            constant(_QUALITY, float_cdab(100.0)),
        ]

    def _measurement(self, first: int, channel: str, unit: int, span: tuple[float, float]) -> list[Block]:
        ends: Words = float_cdab(span[0]) + float_cdab(span[1])
        return [
            constant(first, u32_cdab(unit)),
            value_block(first + 2, float_cdab, lambda: self.senses.read(channel)),
            constant(first + 4, u32_cdab(0)),
            constant(first + 6, ends),
        ]


class HamiltonPhArc(_HamiltonArc):
    model = "hamilton-arc-ph"
    channels: ClassVar = {
        "ph": Sense("ph", tau_s=6.0, noise=0.003, update_s=1.0),
        "temperature": Sense("temperature_c", tau_s=30.0, noise=0.02, update_s=1.0),
    }
    main, unit_bit, span = "ph", UNIT_PH, (0.0, 14.0)


class HamiltonDoArc(_HamiltonArc):
    model = "hamilton-arc-do"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=10.0, dead_s=1.0, noise=0.006, update_s=1.0),
        "temperature": Sense("temperature_c", tau_s=30.0, noise=0.02, update_s=1.0),
    }
    main, unit_bit, span = "oxygen", UNIT_MG_PER_L, (0.0, 40.0)
