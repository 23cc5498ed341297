"""Aqualabo (Ponsel) DIGISENS probes: OPTOD, PHEHT, C4E. The OPTOD is also sold as Supmea SUP-DO7016.

From the drivers AqualaboSensorsLibrary, SupmeaDO7016 and ISMS, which agree: 9600 8N2, factory addresses 10, 20 and 30,
floats ABCD, wire addresses. Writing 0x000F to 0x0001 starts one measurement (bit 0 temperature, bits 1 to 3 the
parameters), 0x00A4 says after how many milliseconds it is done, 0x0053 ×8 then holds temperature and three parameters:
OPTOD % saturation, mg/L and ppm; PHEHT pH and redox in mV; C4E conductivity in µS/cm, salinity and TDS. Eight zeros:
not done yet. 0x00A3 address, 0x00AA averaging, 0x0D00 ×16 description, 0x0D10 serial number, 0x0204 … calibration
values.
"""

from collections.abc import Sequence
from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import WRITE_MANY, WRITE_ONE, Block, ModbusTwin, constant
from simulators.twins.words import Words, float_abcd, text
from simulators.water import nernst_slope_mv

_START, _RESULT, _WAIT_MS, _ADDRESS = 0x0001, 0x0053, 0x00A4, 0x00A3
_NOT_DONE: Words = (0,) * 8


class Digisens(ModbusTwin):
    """What the three have in common."""

    description: ClassVar[str]
    writes = (WRITE_ONE, WRITE_MANY)
    settings: ClassVar = {_START: 0, _ADDRESS: 1, 0x00AA: 1}
    address_register = _ADDRESS
    wait_ms = 500

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self._started_s: float | None = None
        self._result: Words | None = _NOT_DONE

    def parameters(self) -> Sequence[float | None]:
        """P1 to P3."""
        raise NotImplementedError

    def blocks(self, function: int) -> list[Block]:
        return [
            Block(_RESULT, 8, self._done),
            constant(_WAIT_MS, (self.wait_ms,)),
            constant(0x0D00, text(self.description, 16)),
            constant(0x0D10, text("SN-PODOA-0123456", 8)),
        ]

    def written(self, address: int, value: int) -> None:
        super().written(address, value)
        if address == _START:
            self._started_s = self.senses.clock.device_s
            self._result = self._measured(value)

    def _measured(self, mask: int) -> Words | None:
        """Temperature and parameters; what `mask` does not ask for is zero."""
        words: list[int] = []
        for bit, value in enumerate((self.senses.read("temperature"), *self.parameters())):
            if value is None:
                return None
            words += float_abcd(value if mask & 1 << bit else 0.0)
        return tuple(words)

    def _done(self) -> Words | None:
        if self._started_s is None or self.senses.clock.device_s < self._started_s + self.wait_ms / 1000:
            return _NOT_DONE
        return self._result


class Optod(Digisens):
    model, factory_unit, description = "aqualabo-optod", 10, "ODO / Temperature PONSEL"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=10.0, dead_s=1.0, noise=0.008),
        "temperature": Sense("temperature_c", tau_s=30.0, noise=0.01),
    }

    def parameters(self) -> Sequence[float | None]:
        oxygen = self.senses.read("oxygen")
        # mg/kg, with the density of fresh water: close to mg/L, as the sensor shows it
        return self.senses.along("oxygen_percent", "oxygen"), oxygen, None if oxygen is None else 1.001 * oxygen


class Pheht(Digisens):
    model, factory_unit, description = "aqualabo-pheht", 20, "pH / Redox / Temperature PONSEL"
    channels: ClassVar = {
        "ph": Sense("ph", tau_s=6.0, noise=0.004),
        "temperature": Sense("temperature_c", tau_s=30.0, noise=0.01),
    }

    def parameters(self) -> Sequence[float | None]:
        ph, celsius = self.senses.read("ph"), self.senses.read("temperature")
        return ph, 210.5, None if ph is None or celsius is None else (7 - ph) * nernst_slope_mv(celsius)


class C4e(Digisens):
    model, factory_unit, description = "aqualabo-c4e", 30, "C4E /Salinite/Temp PONSEL"
    channels: ClassVar = {
        "conductivity": Sense("conductivity_ms_per_cm", tau_s=3.0, noise=0.0002),
        "temperature": Sense("temperature_c", tau_s=30.0, noise=0.01),
    }

    def parameters(self) -> Sequence[float | None]:
        conductivity = self.senses.read("conductivity")
        microsiemens = None if conductivity is None else 1000 * conductivity
        salinity = self.senses.along("salinity_psu", "conductivity")
        return microsiemens, salinity, None if microsiemens is None else 0.65 * microsiemens
