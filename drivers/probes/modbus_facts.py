"""What a Modbus probe model's file tells besides its registers: times, the order to measure, who it is, calibration."""

import struct
from dataclasses import dataclass
from typing import Final

from drivers.interfaces import Space
from drivers.planning import Block
from drivers.registers import ORDERS, TYPES


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds; None where nobody tells.

    `warm_up_s` from power on to the first answer, `stabilise_s` from then (or from the order to measure) to values that
    can be believed, `measure_s` for one measurement, `min_period_s` between two readings.
    """

    warm_up_s: float | None = None
    stabilise_s: float | None = None
    measure_s: float | None = None
    min_period_s: float | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """What makes a probe measure: registers to write, or (`write` is None) a first read whose answer is thrown away.

    No registers at all are a write that no standard knows, and Yosemitech's. `once`: after power on, not for every
    reading. What was started is there after `wait_s`, and after the milliseconds that the register `wait_ms` tells.
    """

    block: Block
    write: tuple[int, ...] | None
    single: bool = False
    once: bool = False
    wait_s: float = 0.0
    wait_ms: Block | None = None


MORE_FORMS: Final = ("text", "version")


@dataclass(frozen=True, slots=True)
class Identity:
    """Registers in which a device says `what` it is: its model, serial number or firmware.

    `form` is a type of number, "text" (two characters a register) or "version" (each byte a number, most important
    first). Of this model a text begins with `expect`, and anything else is `expect`.
    """

    what: str
    block: Block
    form: str
    order: str = "ABCD"
    expect: str = ""

    def said(self, registers: tuple[int, ...]) -> str:
        """What `registers`, the content of `block`, say."""
        image, form = ORDERS[self.order]
        raw = struct.pack(f">{self.block.count}H", *registers)
        if self.form == "text":
            return "".join(chr(byte) for byte in raw if 32 <= byte < 127).strip()
        if self.form == "version":
            return ".".join(map(str, raw))
        number: float = struct.unpack(
            f"{form}{TYPES[self.form][0]}", struct.pack(f"{image}{len(registers)}H", *registers)
        )[0]
        return f"{number:g}" if self.form.startswith("float") else str(number)

    def fits(self, said: str) -> bool:
        """Whether a device that says this can be of this model: more may follow in a text, but not in a number."""
        if self.form == "text":
            return said.startswith(self.expect)
        return said == (self.expect or said)


@dataclass(frozen=True, slots=True)
class CalibrationRegister:
    """A register that takes part in a calibration; `means` says what is written or read there."""

    space: Space
    address: int
    type: str
    means: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the manual has the model calibrated. Documentation: nothing here is written to a probe."""

    steps: tuple[str, ...] = ()
    registers: tuple[CalibrationRegister, ...] = ()
