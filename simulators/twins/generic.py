"""A sonde that no vendor sells, for benches: as many channels as wanted, each a float.

Functions 03 and 04; wire address 2·i holds channel i as a float ABCD, from 0. The channels repeat temperature, oxygen,
saturation, pH, salinity, conductivity; a value that is missing reads as a NaN.
"""

from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import READ_HOLDING, READ_INPUT, Block, ModbusTwin, value_block
from simulators.twins.words import NAN_ABCD, Words, float_abcd

_CYCLE = ("temperature", "oxygen", "saturation", "ph", "salinity", "conductivity")


class GenericSonde(ModbusTwin):
    """`sensors` floats, 1 to 32768 of them."""

    model = "generic"
    channels: ClassVar = {
        "temperature": Sense("temperature_c", noise=0.01),
        "oxygen": Sense("oxygen_mg_per_l", noise=0.01),
        "saturation": Sense("oxygen_percent", noise=0.1),
        "ph": Sense("ph", noise=0.005),
        "salinity": Sense("salinity_psu", noise=0.001),
        "conductivity": Sense("conductivity_ms_per_cm", noise=0.001),
    }
    reads = (READ_HOLDING, READ_INPUT)

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "", sensors: int = 6) -> None:
        super().__init__(senses, unit, name)
        self.sensors = sensors

    def blocks(self, function: int) -> list[Block]:
        return [self._channel(2 * i, _CYCLE[i % len(_CYCLE)]) for i in range(self.sensors)]

    def _channel(self, address: int, channel: str) -> Block:
        return value_block(address, float_abcd, lambda: self.senses.read(channel))

    def _made(self, block: Block) -> Words:
        return block.words() or NAN_ABCD
