"""In-Situ probes: RDO PRO-X, Aqua TROLL 400, Aqua TROLL 500 and 600.

From "RDO PRO-X Process Optical Dissolved Oxygen Sensor, Manual", pages 20 and 21, and "Aqua TROLL 400 Modbus and
SDI-12 Reference Guide", pages 29 to 70. The manuals count registers from 1, a frame from 0. 19200 8E1, address 1,
functions 03, 06 and 16, floats ABCD.

A parameter of the RDO and the Aqua TROLL 400 is a block of eight: value (2), parameter id, units id, data quality id,
off-line sentinel (2, 0.0 as delivered), available units. Of the Aqua TROLL 500 and 600 (page 37 of its manual, as a
public driver quotes it) one of seven from 5451 + 7·(parameter id - 1): value (2), data quality, units, parameter,
sentinel (2). Parameters: 1 temperature (units 1 °C, 2 °F), 17 pH (145), 18 pH in mV (162), 19 ORP (162), 20 oxygen
(117 mg/L, 118 µg/L), 21 saturation (177). Quality 0 is fine, 3 an error, 7 a sensor that does not answer; then the
value is the sentinel. 9001 device id, 9002 serial number (2). The RDO samples when it is read, and shows the sample
before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import READ_HOLDING, WRITE_MANY, WRITE_ONE, Block, ModbusTwin, constant
from simulators.twins.words import Words, float_abcd, u32_abcd
from simulators.water import nernst_slope_mv

ERROR, NO_SENSOR = 3, 7
_ORP_MV = 210.5
_OXYGEN = {
    "oxygen": Sense("oxygen_mg_per_l", tau_s=10.0, dead_s=1.0, noise=0.006, update_s=1.0),
    "temperature": Sense("temperature_c", tau_s=30.0, noise=0.005, update_s=1.0),
}


@dataclass(slots=True)
class Parameter:
    """One parameter; `quality` and `unit` can be changed as a device or its owner would."""

    id: int
    unit: int
    value: Callable[[], float | None]
    quality: int = 0

    def words(self) -> Words | None:
        """The value in the unit that is set; the sentinel where there is none."""
        if self.quality in (ERROR, NO_SENSOR):
            return float_abcd(0.0)
        value = self.value()
        if value is None:
            return None
        return float_abcd({2: 1.8 * value + 32, 118: 1000 * value}.get(self.unit, value))


class _InSitu(ModbusTwin):
    writes = (WRITE_ONE, WRITE_MANY)

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self.parameters = {
            parameter.id: parameter
            for parameter in (
                Parameter(1, 1, lambda: senses.read("temperature")),
                Parameter(17, 145, lambda: senses.read("ph")),
                Parameter(18, 162, self._ph_millivolts),
                Parameter(19, 162, lambda: _ORP_MV),
                Parameter(20, 117, lambda: senses.read("oxygen")),
                Parameter(21, 177, lambda: senses.along("oxygen_percent", "oxygen")),
            )
        }

    def blocks(self, function: int) -> list[Block]:
        return list(self.measured())

    def measured(self) -> Iterator[Block]:
        raise NotImplementedError

    def _ph_millivolts(self) -> float | None:
        ph, celsius = self.senses.read("ph"), self.senses.read("temperature")
        return None if ph is None or celsius is None else (7 - ph) * nernst_slope_mv(celsius)

    def _block_of_eight(self, register: int, id_: int) -> Iterator[Block]:
        parameter, first = self.parameters[id_], register - 1
        yield Block(first, 2, parameter.words)
        yield Block(first + 2, 3, lambda: (parameter.id, parameter.unit, parameter.quality))
        yield constant(first + 5, float_abcd(0.0))
        yield constant(first + 7, (0x0001,))

    def _block_of_seven(self, id_: int) -> Iterator[Block]:
        parameter, first = self.parameters[id_], 5451 + 7 * (id_ - 1) - 1
        yield Block(first, 2, parameter.words)
        yield Block(first + 2, 3, lambda: (parameter.quality, parameter.unit, parameter.id))
        yield constant(first + 5, float_abcd(0.0))


class AquaTroll400(_InSitu):
    """RDO sensor from register 38, pH/ORP sensor from 1538. Bit 9 of 9304: the RDO cap is not installed."""

    model = "in-situ-aqua-troll-400"
    channels: ClassVar = {**_OXYGEN, "ph": Sense("ph", tau_s=6.0, noise=0.004, update_s=1.0)}
    cap_installed = True

    def measured(self) -> Iterator[Block]:
        for register, id_ in ((38, 20), (46, 1), (54, 21), (1538, 17), (1546, 18), (1554, 19)):
            yield from self._block_of_eight(register, id_)
        yield Block(9304 - 1, 1, lambda: (0 if self.cap_installed else 1 << 9,))


class AquaTroll500(_InSitu):
    model = "in-situ-aqua-troll-500"
    channels = AquaTroll400.channels

    def measured(self) -> Iterator[Block]:
        for id_ in self.parameters:
            yield from self._block_of_seven(id_)


class RdoProX(_InSitu):
    """Device id 31. 38 oxygen, 46 temperature, 54 saturation, 62 partial pressure of oxygen (unit 26, torr)."""

    model = "in-situ-rdo"
    channels: ClassVar = _OXYGEN

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self._sample: dict[int, Words] = {}
        self._shown = dict.fromkeys((20, 1, 21), float_abcd(0.0))

    def measured(self) -> Iterator[Block]:
        for register, id_ in ((38, 20), (46, 1), (54, 21)):
            value, *others = self._block_of_eight(register, id_)
            yield Block(value.address, 2, partial(self._shown.__getitem__, id_))
            yield from others
        yield constant(9001 - 1, (31, *u32_abcd(2_147_500_001)))
        yield constant(62 - 1, (*float_abcd(152.0), 2, 26, 0, *float_abcd(0.0), 0x0200))

    def check_read(self, function: int, address: int, count: int) -> None:
        if address < 61 and function == READ_HOLDING:
            self._shown.update(self._sample)
            taken = {id_: self.parameters[id_].words() for id_ in self._shown}
            self._sample = {id_: words for id_, words in taken.items() if words is not None}
