"""Keller Series 30 transmitters: pressure, temperature, and on the CTD models conductivity.

From "Description of the Communication Protocol, Series 30", version 3.5, page 13: 9600 8N1, address 1 (250 answers
always), functions 03, 06, 08 and 16, floats ABCD, wire addresses. 0x0000 CH0, 0x0002 P1 in bar, 0x0004 P2, 0x0006 T,
0x0008 TOB1, 0x000A TOB2, and once more 0x0100 P1, 0x0102 TOB1, 0x0104 P2, 0x0106 TOB2, 0x0108 P1, 0x010A T, 0x010C
conductivity ConTc in mS/cm (the last three from firmware 5.21 on). A channel that the device lacks is a NaN. 0x0200
UART, 0x0202 serial number. Example: 01 03 01 00 00 04 45 F5 → 3F75E3D2 41B61C20 = 0.960508 bar, 22.76 °C.
"""

from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import WRITE_MANY, WRITE_ONE, Block, ModbusTwin, constant, value_block
from simulators.twins.words import NAN_ABCD, float_abcd, u32_abcd


class KellerSeries30(ModbusTwin):
    """A CTD probe at one depth: `pressure_bar`."""

    model = "keller-series-30"
    channels: ClassVar = {
        "temperature": Sense("temperature_c", tau_s=60.0, noise=0.01),
        "conductivity": Sense("conductivity_ms_per_cm", tau_s=3.0, noise=0.0002),
    }
    writes = (WRITE_ONE, WRITE_MANY)
    other_units = frozenset({250})

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "", pressure_bar: float = 0.15) -> None:
        super().__init__(senses, unit, name)
        self.pressure_bar = pressure_bar

    def blocks(self, function: int) -> list[Block]:
        def temperature(address: int) -> Block:
            return value_block(address, float_abcd, lambda: self.senses.read("temperature"))

        def pressure(address: int) -> Block:
            return value_block(address, float_abcd, lambda: self.pressure_bar)

        return [
            *(constant(address, NAN_ABCD) for address in (0x0000, 0x0004, 0x000A, 0x0104, 0x0106)),
            *(pressure(address) for address in (0x0002, 0x0100, 0x0108)),
            *(temperature(address) for address in (0x0006, 0x0008, 0x0102, 0x010A)),
            value_block(0x010C, float_abcd, lambda: self.senses.read("conductivity")),
            constant(0x0202, u32_abcd(2_147_500_001)),
        ]
