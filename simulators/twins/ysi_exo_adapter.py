"""YSI EXO sonde behind the Modbus signal output adapter 599825.

From the Modbus quick-start guide of the adapter, by way of two public drivers that agree: 9600 8N1, address 1,
functions 03, 06 and 16, wire addresses, floats with the low word first (CDAB). 0 sample period in s, 1 force a sample,
2 force a wipe, 128 to 159 parameter codes (0 ends the list), 256 to 287 the status of each (0 available, 1 not set, 2
not available), 384 to 447 their values. Codes: 1 °C, 4 conductivity in mS/cm, 12 salinity, 18 pH, 19 ORP, 211 %
saturation, 212 mg/L.
"""

from collections.abc import Callable
from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import WRITE_MANY, WRITE_ONE, Block, ModbusTwin, constant
from simulators.twins.words import Words, float_cdab

_CODES, _STATUS, _VALUES, _SLOTS = 128, 256, 384, 32
AVAILABLE, NOT_SET, NOT_AVAILABLE = 0, 1, 2


class YsiExoAdapter(ModbusTwin):
    """`codes`: what its owner set the slots to show."""

    model = "ysi-exo-adapter"
    channels: ClassVar = {
        "oxygen": Sense("oxygen_mg_per_l", tau_s=10.0, dead_s=1.0, noise=0.006, update_s=1.0),
        "temperature": Sense("temperature_c", tau_s=20.0, noise=0.005, update_s=1.0),
        "ph": Sense("ph", tau_s=5.0, noise=0.004, update_s=1.0),
        "conductivity": Sense("conductivity_ms_per_cm", tau_s=3.0, noise=0.0002, update_s=1.0),
    }
    writes = (WRITE_ONE, WRITE_MANY)
    settings: ClassVar = {0: 15, 1: 0, 2: 0}
    codes: ClassVar[tuple[int, ...]] = (1, 211, 212, 18, 12, 4, 19)

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self._shows: dict[int, Callable[[], float | None]] = {
            1: lambda: senses.read("temperature"),
            4: lambda: senses.read("conductivity"),
            12: lambda: senses.along("salinity_psu", "conductivity"),
            18: lambda: senses.read("ph"),
            19: lambda: 210.5,
            211: lambda: senses.along("oxygen_percent", "oxygen"),
            212: lambda: senses.read("oxygen"),
        }

    def blocks(self, function: int) -> list[Block]:
        codes = (*self.codes, *(0,) * (_SLOTS - len(self.codes)))
        return [block for slot, code in enumerate(codes) for block in self._slot(slot, code)]

    def _slot(self, slot: int, code: int) -> list[Block]:
        return [
            constant(_CODES + slot, (code,)),
            Block(_STATUS + slot, 1, lambda: (self._status(code),)),
            Block(_VALUES + 2 * slot, 2, lambda: self._value(code)),
        ]

    def _status(self, code: int) -> int:
        return NOT_SET if code == 0 else AVAILABLE if code in self._shows else NOT_AVAILABLE

    def _value(self, code: int) -> Words | None:
        if code not in self._shows:
            return float_cdab(0.0)
        value = self._shows[code]()
        return None if value is None else float_cdab(value)
