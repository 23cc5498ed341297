"""Endress+Hauser Liquiline CM44x transmitter with its Modbus module.

From "Liquiline CM44x Modbus", guideline V1.0 and SD01189C: address 247, functions 03, 04, 16 and 23, wire addresses,
floats ABCD. Sixteen values, each as four registers from 4·(n - 1): value, status (0 good, 1 uncertain, 2 bad, 3 not
assigned), unit (7 %, 47 mg/l, 53 pH, 72 mS/cm, 89 °C, 110 mV). What is not there is the NaN 7FA00000. 1016 sets °C, °F
or K for all temperatures. Which value is which is set on the device: here oxygen, saturation, temperature, pH,
conductivity, ORP.
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import READ_HOLDING, READ_INPUT, WRITE_MANY, Block, ModbusTwin
from simulators.twins.words import Words, float_abcd

GOOD, UNCERTAIN, BAD, NOT_ASSIGNED = range(4)
_NAN: Words = (0x7FA0, 0x0000)


class EhLiquilineCm44x(ModbusTwin):
    """`status` of the values can be changed as the device would."""

    model = "eh-liquiline-cm44x"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=15.0, dead_s=1.0, noise=0.006, update_s=1.0),
        "temperature": Sense("temperature_c", tau_s=30.0, noise=0.01, update_s=1.0),
        "ph": Sense("ph", tau_s=6.0, noise=0.004, update_s=1.0),
        "conductivity": Sense("conductivity_ms_per_cm", tau_s=3.0, noise=0.0002, update_s=1.0),
    }
    factory_unit = 247
    reads = (READ_HOLDING, READ_INPUT)
    writes = (WRITE_MANY,)

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self._inputs: list[tuple[int, Callable[[], float | None]]] = [
            (47, lambda: senses.read("oxygen")),
            (7, lambda: senses.along("oxygen_percent", "oxygen")),
            (89, lambda: senses.read("temperature")),
            (53, lambda: senses.read("ph")),
            (72, lambda: senses.read("conductivity")),
            (110, lambda: 210.5),
        ]
        self.status = [GOOD] * len(self._inputs) + [NOT_ASSIGNED] * (16 - len(self._inputs))

    def blocks(self, function: int) -> list[Block]:
        return [Block(4 * n, 4, partial(self._input, n)) for n in range(16)]

    def _input(self, n: int) -> Words | None:
        if self.status[n] in (BAD, NOT_ASSIGNED):
            return *_NAN, self.status[n], self._inputs[n][0] if n < len(self._inputs) else 0
        unit, measured = self._inputs[n]
        value = measured()
        return None if value is None else (*float_abcd(value), self.status[n], unit)
