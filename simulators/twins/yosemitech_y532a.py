"""Yosemitech Y532-A pH probe.

From the vendor's manual: 0x2800 ×2 pH, 0x2400 ×2 °C, 0x1200 ×2 mV (E1 7A 24 C1 = -10.28 mV). Calibration writes the
buffer's value (4.00, 6.86 or 9.18) to 0x2300 ×2; 0x0E00 then tells in its high byte: 0 done, 1 no such buffer, 2 fewer
than three points so far. 0x2900 ×12 electrode coefficients K1 to K6. Common manners: `yosemitech`.
"""

import struct
from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.modbus import WRITE_MANY, Block, constant, value_block
from simulators.twins.words import float_dcba
from simulators.twins.yosemitech import YosemitechTwin
from simulators.water import nernst_slope_mv

_CALIBRATE = bytes([WRITE_MANY, 0x23, 0x00, 0x00, 0x02, 0x04])
_BUFFERS = (4.00, 6.86, 9.18)
_ELECTRODE = (6.86, -6.72, 0.04, 6.86, -6.56, -1.04)


class YosemitechY532a(YosemitechTwin):
    model = "yosemitech-y532a"
    channels: ClassVar = {
        "ph": Sense("ph", tau_s=6.0, noise=0.004, update_s=0.5),
        "temperature": Sense("temperature_c", tau_s=40.0, noise=0.01, update_s=0.5),
    }
    serial_number = "YL0532A000001"

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        super().__init__(senses, unit, name)
        self._seen: set[float] = set()
        self._status = 0

    def blocks(self, function: int) -> list[Block]:
        return [
            *super().blocks(function),
            Block(0x0E00, 1, lambda: (self._status << 8,)),
            value_block(0x1200, float_dcba, self._millivolts),
            value_block(0x2400, float_dcba, lambda: self.senses.read("temperature")),
            value_block(0x2800, float_dcba, lambda: self.senses.read("ph")),
            constant(0x2900, tuple(word for k in _ELECTRODE for word in float_dcba(k))),
        ]

    def answer(self, pdu: bytes) -> bytes | None:
        if pdu[:6] == _CALIBRATE and len(pdu) == 10:
            self._calibrate(struct.unpack("<f", pdu[6:])[0])
            return pdu[:5]
        return super().answer(pdu)

    def _calibrate(self, buffer: float) -> None:
        known = [value for value in _BUFFERS if abs(value - buffer) < 0.005]
        self._seen.update(known)
        self._status = 1 if not known else 2 if len(self._seen) < len(_BUFFERS) else 0

    def _millivolts(self) -> float | None:
        ph, celsius = self.senses.read("ph"), self.senses.read("temperature")
        return None if ph is None or celsius is None else (7 - ph) * nernst_slope_mv(celsius)
