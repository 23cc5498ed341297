"""Register tables: what the registers of a Modbus probe mean. Pure.

The answers to a read plan (`planning`) go in, a value or the reason why there is none comes out for every channel. The
answers keep their blocks, so one that failed never shifts its neighbours.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.interfaces import Space
from drivers.planning import Block, plan

# Each type: its struct letter and its size in registers.
TYPES: Final = {
    "int16": ("h", 1),
    "uint16": ("H", 1),
    "int32": ("i", 2),
    "uint32": ("I", 2),
    "float32": ("f", 2),
    "float64": ("d", 4),
}

# A value whose bytes are A (highest) to D comes in one of four orders; longer values accordingly. Registers packed low
# byte first undo the orders that swap bytes within a register, so each order is one of two images read one of two ways.
ORDERS: Final = {"ABCD": (">", ">"), "CDAB": ("<", "<"), "BADC": ("<", ">"), "DCBA": (">", "<")}

# The conversions a profile may ask for: number in that unit × factor + offset = number in the canonical unit.
UNITS: Final[Mapping[Quantity, Mapping[str, tuple[Fraction, float]]]] = {
    Quantity.TEMPERATURE: {
        "°C": (Fraction(1), 0.0),
        "°F": (Fraction(5, 9), -160 / 9),
        "K": (Fraction(1), -273.15),
    },
    Quantity.PH: {"pH": (Fraction(1), 0.0)},
    Quantity.DISSOLVED_OXYGEN: {"mg/L": (Fraction(1), 0.0), "µg/L": (Fraction(1, 1000), 0.0)},
    Quantity.DISSOLVED_OXYGEN_SATURATION: {"%": (Fraction(1), 0.0), "fraction": (Fraction(100), 0.0)},
    Quantity.SALINITY: {"PSU": (Fraction(1), 0.0)},
    Quantity.CONDUCTIVITY: {"mS/cm": (Fraction(1), 0.0), "µS/cm": (Fraction(1, 1000), 0.0)},
    Quantity.ORP: {"mV": (Fraction(1), 0.0), "V": (Fraction(1000), 0.0)},
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number lies and how it is written: wire address (0-based), type, byte order."""

    space: Space
    address: int
    type: str = "uint16"
    order: str = "ABCD"

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.address + TYPES[self.type][1]

    @property
    def block(self) -> Block:
        """The registers it takes."""
        return Block(self.space, self.address, TYPES[self.type][1])


@dataclass(frozen=True, slots=True)
class Register:
    """One channel's number: (raw × scale + offset) is in `unit`; `bad` lists raw numbers that mean "no value"."""

    channel: str
    place: Place
    quantity: Quantity
    unit: str
    scale: Fraction = Fraction(1)
    offset: float = 0.0
    bad: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirement:
    """A register that must hold `equals`, or else `channels` have no value."""

    place: Place
    equals: int
    channels: tuple[str, ...]
    because: str


Answer = Sequence[int] | Missing


class Table:
    """A probe model's registers, ready to decode.

    `blocks` is the plan: as declared by the profile (each place must lie in one of them), or made by `plan`.
    """

    def __init__(
        self, registers: Sequence[Register], requirements: Sequence[Requirement] = (), blocks: Sequence[Block] = ()
    ) -> None:
        places = [register.place for register in registers] + [requirement.place for requirement in requirements]
        self.blocks = tuple(blocks) or plan(place.block for place in places)
        self._channels = tuple(register.channel for register in registers)
        numbers: list[_Number] = [*map(_Value, registers), *map(_Demand, requirements)]
        self._layouts = [_layouts(block, numbers) for block in self.blocks]
        lost = [number.place for number in numbers if not any(block.holds(number.place.block) for block in self.blocks)]
        if lost:
            raise ValueError(f"no block holds {lost}")

    def values(self, answers: Sequence[Answer]) -> dict[str, float | Missing]:
        """A finite value in canonical units, or why there is none, for every channel.

        `answers` holds for each block its registers (each 0 to 65535), or why there are none.
        """
        values: dict[str, float | Missing] = dict.fromkeys(self._channels, _NOT_READ)
        unmet: dict[str, Missing] = {}
        for block, layouts, answer in zip(self.blocks, self._layouts, answers, strict=True):
            if isinstance(answer, Missing):
                for layout in layouts:
                    for number in layout.numbers:
                        number.missing(answer, values, unmet)
                continue
            images = {order: struct.pack(f"{order}{block.count}H", *answer) for order in "<>"}
            for layout in layouts:
                for number, raw in zip(layout.numbers, layout.form.unpack(images[layout.image]), strict=True):
                    number.take(raw, values, unmet)
        values.update(unmet)
        return values


_NOT_READ: Final = Missing("not read")


class _Value:
    """A channel's number on its way to a value."""

    def __init__(self, register: Register) -> None:
        factor, offset = UNITS[register.quantity][register.unit]
        gain = register.scale * factor
        self.place = register.place
        self._channel = register.channel
        self._unit = register.unit
        self._bad = frozenset(_as_sent(bad, register.place.type) for bad in register.bad)
        # Divided by 100 rather than multiplied by 0.01: 714 becomes 7.14 and not 7.140000000000001.
        self._times, self._by = float(gain.numerator), float(gain.denominator)
        self._plus = register.offset * float(factor) + offset
        self._plain = gain == 1 and self._plus == 0

    def take(self, raw: float, values: dict[str, float | Missing], unmet: dict[str, Missing]) -> None:
        if raw in self._bad:
            values[self._channel] = Missing(f"the probe reports {raw:g}, which means no value")
        elif not math.isfinite(raw):
            values[self._channel] = Missing(f"the probe reports {'no number' if math.isnan(raw) else raw}")
        elif self._plain:
            values[self._channel] = float(raw)
        else:
            value = raw * self._times / self._by + self._plus
            values[self._channel] = value if math.isfinite(value) else Missing(f"{raw:g} {self._unit} is no value")

    def missing(self, answer: Missing, values: dict[str, float | Missing], unmet: dict[str, Missing]) -> None:
        values[self._channel] = answer


def _as_sent(number: float, type_: str) -> float:
    """What 99.99 looks like after it went through a float32: 99.98999786376953."""
    if type_ != "float32":
        return number
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.inf


class _Demand:
    """A requirement's number on its way to a verdict on other channels."""

    def __init__(self, requirement: Requirement) -> None:
        self.place = requirement.place
        self._equals = requirement.equals
        self._channels = requirement.channels
        self._because = requirement.because

    def take(self, raw: float, values: dict[str, float | Missing], unmet: dict[str, Missing]) -> None:
        if raw != self._equals:
            read = f"{raw:#x}" if isinstance(raw, int) else f"{raw:g}"
            verdict = Missing(
                f"register {self.place.address} holds {read} instead of {self._equals:#x}: {self._because}"
            )
            unmet.update(dict.fromkeys(self._channels, verdict))

    def missing(self, answer: Missing, values: dict[str, float | Missing], unmet: dict[str, Missing]) -> None:
        verdict = Missing(f"register {self.place.address} could not be checked: {answer.because}")
        unmet.update(dict.fromkeys(self._channels, verdict))


_Number = _Value | _Demand


@dataclass(frozen=True, slots=True)
class _Layout:
    """Numbers of one block that one struct unpacks at once: same byte order, not overlapping."""

    image: str
    form: struct.Struct
    numbers: tuple[_Number, ...]


def _layouts(block: Block, numbers: Sequence[_Number]) -> list[_Layout]:
    """The fewest structs that unpack all numbers of `block`."""
    rows: dict[str, list[list[_Number]]] = {}
    for number in sorted(numbers, key=lambda number: number.place.address):
        if block.holds(number.place.block):
            candidates = rows.setdefault(number.place.order, [])
            row = next((row for row in candidates if row[-1].place.end <= number.place.address), None)
            if row is None:
                candidates.append([number])
            else:
                row.append(number)
    return [_layout(block, order, row) for order, found in rows.items() for row in found]


def _layout(block: Block, order: str, row: Sequence[_Number]) -> _Layout:
    image, form = ORDERS[order]
    at = block.address
    for number in row:
        form += f"{2 * (number.place.address - at)}x{TYPES[number.place.type][0]}"
        at = number.place.end
    form += f"{2 * (block.end - at)}x"
    return _Layout(image, struct.Struct(form), tuple(row))
