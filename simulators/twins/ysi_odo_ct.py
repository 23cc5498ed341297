"""YSI ODO RTU with conductivity and temperature (ODO-CT).

From the user manual, pp. 16 and 34: 9600 8E1, address 1. Function 04 reads measurements as floats ABCD, even first
register and even count only: 0x0000 % saturation, 0x0002 mg/L, 0x0004 % local, 0x0006 °C, 0x0008 reference °C, 0x000A
milliseconds since power-on (32 bits), 0x000C conductivity µS/cm, 0x000E specific conductance, 0x0010 salinity ppt,
0x0012 nLF conductivity, 0x0014 TDS. A value that is missing reads FFFFFFFF, which is a NaN. Function 03 reads
settings: 0x0001 serial line (0x0200: 9600 even). Writing 1 to 0x0200 or 0x0300 resets the calibrations.
"""

from typing import ClassVar

from simulators.probe import Sense
from simulators.twins.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_MANY,
    WRITE_ONE,
    Block,
    ModbusTwin,
    Refusal,
    constant,
    value_block,
)
from simulators.twins.words import NAN_ABCD, Words, float_abcd, u32_abcd
from simulators.water import at_25_degrees

_TDS_PER_SPECIFIC_CONDUCTANCE = 0.65e-3  # g/L a µS/cm


class YsiOdoCt(ModbusTwin):
    model = "ysi-odo-ct"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=12.0, dead_s=1.0, noise=0.006, update_s=1.0),
        "temperature": Sense("temperature_c", tau_s=20.0, noise=0.005, update_s=1.0),
        "conductivity": Sense("conductivity_ms_per_cm", tau_s=3.0, noise=0.0002, update_s=1.0),
    }
    reads = (READ_HOLDING, READ_INPUT)
    writes = (WRITE_ONE, WRITE_MANY)
    settings: ClassVar = {0x0200: 0, 0x0300: 0}

    def blocks(self, function: int) -> list[Block]:
        if function == READ_HOLDING:
            return [Block(0x0000, 2, lambda: (self.unit, 0x0200))]
        senses = self.senses
        return [
            value_block(0x0000, float_abcd, lambda: senses.along("oxygen_percent", "oxygen")),
            value_block(0x0002, float_abcd, lambda: senses.read("oxygen")),
            value_block(0x0004, float_abcd, lambda: senses.along("oxygen_percent", "oxygen")),
            value_block(0x0006, float_abcd, lambda: senses.read("temperature")),
            value_block(0x0008, float_abcd, lambda: senses.read("temperature")),
            Block(0x000A, 2, lambda: u32_abcd(int(senses.clock.real_s * 1000))),
            value_block(0x000C, _microsiemens, lambda: senses.read("conductivity")),
            value_block(0x000E, _microsiemens, self._specific),
            value_block(0x0010, float_abcd, lambda: senses.along("salinity_psu", "conductivity")),
            value_block(0x0012, _microsiemens, self._specific),
            value_block(0x0014, _dissolved_solids, self._specific),
        ]

    def check_read(self, function: int, address: int, count: int) -> None:
        if function == READ_INPUT and address % 2:
            raise Refusal(ILLEGAL_ADDRESS)
        if function == READ_INPUT and count % 2:
            raise Refusal(ILLEGAL_VALUE)

    def _made(self, block: Block) -> Words:
        return block.words() or NAN_ABCD

    def _specific(self) -> float | None:
        actual, celsius = self.senses.read("conductivity"), self.senses.read("temperature")
        return None if actual is None or celsius is None else at_25_degrees(actual, celsius)


def _microsiemens(millisiemens: float) -> Words:
    return float_abcd(1000 * millisiemens)


def _dissolved_solids(millisiemens: float) -> Words:
    return float_abcd(1000 * millisiemens * _TDS_PER_SPECIFIC_CONDUCTANCE)


class YsiOdoRtu(YsiOdoCt):
    """The ODO/T: the same map, in which everything that takes a conductivity cell is missing."""

    model = "ysi-odo-rtu"
    channels: ClassVar = {name: sense for name, sense in YsiOdoCt.channels.items() if name != "conductivity"}

    def blocks(self, function: int) -> list[Block]:
        cell = range(0x000C, 0x0016)
        return [
            constant(block.address, NAN_ABCD) if function == READ_INPUT and block.address in cell else block
            for block in super().blocks(function)
        ]
