"""From registers to values. Pure.

The answers to a read plan (`planning`) go in, a value or the reason why there is none comes out for every channel of a
register table. The answers keep their blocks, so one that failed never shifts its neighbours.
"""

import math
import struct
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

from agent.domain.reading import Missing
from drivers.interfaces import Cost
from drivers.planning import Block, Manners, plan
from drivers.registers import ORDERS, TYPES, Idle, Register, Requirement
from drivers.units import UNITS

Answer = Sequence[int] | Missing


class Table:
    """A probe model's registers, ready to decode.

    `wanted` are the registers of each number, `declared` the requests that the profile wants made as they are (each
    number must lie in one of them). `blocks` are those whose answers `values` takes: declared, or else the wanted
    registers and nothing between them, until `laid_out` for others. `orders` are byte orders of which a device has
    one: believed is the one in which most channels have a value, which takes requirements that fail in any other
    (`tells_orders_apart`).
    """

    def __init__(
        self,
        registers: Sequence[Register],
        requirements: Sequence[Requirement] = (),
        blocks: Sequence[Block] = (),
        idle: Sequence[Idle] = (),
        orders: Sequence[str] = (),
    ) -> None:
        places = [register.place for register in registers] + [requirement.place for requirement in requirements]
        self.registers, self.requirements, self.orders = tuple(registers), tuple(requirements), tuple(orders)
        self.wanted = tuple(dict.fromkeys(place.block for place in places))
        self.declared = tuple(blocks)
        self._channels = tuple(register.channel for register in registers)
        self._idle = tuple(idle)
        self._numbers = [_numbers(registers, requirements, order) for order in orders or (None,)]
        self._lay_out(self.declared or plan(self.wanted, _EACH_REQUEST, Manners(gaps=False)))

    def laid_out(self, blocks: Sequence[Block]) -> "Table":
        """The same table, for answers to `blocks`; a number in several is taken from the last of them.

        Raises ValueError when a number is in none.
        """
        table = copy(self)
        table._lay_out(blocks)
        return table

    def _lay_out(self, blocks: Sequence[Block]) -> None:
        lost = [part for part in self.wanted if not any(block.holds(part) for block in blocks)]
        if lost:
            raise ValueError(f"no block holds {lost}")
        self.blocks = tuple(blocks)
        self._readings = [_laid_out(self.blocks, numbers) for numbers in self._numbers]

    def values(self, answers: Sequence[Answer]) -> dict[str, float | Missing]:
        """A finite value in canonical units, or why there is none, for every channel.

        `answers` holds for each block its registers (each 0 to 65535), or why there are none.
        """
        readings = [self._decoded(reading, answers) for reading in self._readings]
        best, _ = readings[0] if len(readings) == 1 else max(readings, key=_how_credible)
        return best

    def _decoded(self, reading: "Sequence[Sequence[_Layout]]", answers: Sequence[Answer]) -> "_Decoded":
        values: dict[str, float | Missing] = dict.fromkeys(self._channels, _NOT_READ)
        unmet: _Unmet = {}
        for block, layouts, answer in zip(self.blocks, reading, answers, strict=True):
            if isinstance(answer, Missing):
                for layout in layouts:
                    for number in layout.numbers:
                        number.missing(answer, values, unmet)
                continue
            images = {order: struct.pack(f"{order}{block.count}H", *answer) for order in "<>"}
            for layout in layouts:
                for number, raw in zip(layout.numbers, layout.form.unpack(images[layout.image]), strict=True):
                    number.take(raw, values, unmet)
        for idle in self._idle:
            if all(values[channel] == 0 for channel in idle.channels):
                values.update(dict.fromkeys(idle.channels, Missing(idle.because)))
        values.update({channel: reason for channel, (_, reason) in unmet.items()})
        return values, unmet


def _how_credible(decoded: "_Decoded") -> tuple[int, int]:
    """More values are; and of readings with equally many the one that meets more requirements before one fails."""
    values, unmet = decoded
    return sum(not isinstance(value, Missing) for value in values.values()), sum(rank for rank, _ in unmet.values())


def _numbers(
    registers: Sequence[Register], requirements: Sequence[Requirement], order: str | None
) -> "list[_Value | _Demand]":
    """All numbers of a table, in the byte order `order`, or (None) each in its own."""
    if order is not None:
        registers = [replace(one, place=replace(one.place, order=order)) for one in registers]
        requirements = [replace(one, place=replace(one.place, order=order)) for one in requirements]
    return [*map(_Value, registers), *(_Demand(one, rank) for rank, one in enumerate(requirements))]


_EACH_REQUEST: Final = Cost(1.0, 0.0)
_NOT_READ: Final = Missing("not read")

_Unmet = dict[str, tuple[int, Missing]]
"""Channel → the first requirement of the profile that is not met: its rank, and the reason."""

_Decoded = tuple[dict[str, float | Missing], _Unmet]


class _Value:
    """A channel's number on its way to a value."""

    def __init__(self, register: Register) -> None:
        factor, offset = UNITS[register.quantity][register.unit]
        gain = register.scale * factor
        self.place = register.place
        self._channel = register.channel
        self._unit = register.unit
        self._bits = _Bits(register.place.bits) if register.place.bits else None
        self._bad = frozenset(_as_sent(bad, register.place.type) for bad in register.bad)
        # Divided by 100 rather than multiplied by 0.01: 714 becomes 7.14 and not 7.140000000000001.
        self._times, self._by = float(gain.numerator), float(gain.denominator)
        self._plus = register.offset * float(factor) + offset
        self._plain = gain == 1 and self._plus == 0

    def take(self, raw: float, values: dict[str, float | Missing], unmet: _Unmet) -> None:
        if self._bits is not None:
            raw = self._bits.of(raw)
        if raw in self._bad:
            values[self._channel] = Missing(f"the probe reports {raw:g}, which means no value")
        elif not math.isfinite(raw):
            values[self._channel] = Missing(f"the probe reports {'no number' if math.isnan(raw) else raw}")
        elif self._plain:
            values[self._channel] = float(raw)
        else:
            value = raw * self._times / self._by + self._plus
            values[self._channel] = value if math.isfinite(value) else Missing(f"{raw:g} {self._unit} is no value")

    def missing(self, answer: Missing, values: dict[str, float | Missing], unmet: _Unmet) -> None:
        values[self._channel] = answer


def _as_sent(number: float, type_: str) -> float:
    """What 99.99 looks like after it went through a float32: 99.98999786376953."""
    if type_ != "float32":
        return number
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.inf


class _Bits:
    """A part of a whole number."""

    def __init__(self, bits: tuple[int, int]) -> None:
        self._first = bits[0]
        self._mask = (1 << (bits[1] - bits[0] + 1)) - 1

    def of(self, raw: float) -> int:
        return (int(raw) >> self._first) & self._mask


class _Demand:
    """A requirement's number on its way to a verdict on other channels."""

    def __init__(self, requirement: Requirement, rank: int) -> None:
        self._rank = rank
        self.place = requirement.place
        self._bits = _Bits(requirement.place.bits) if requirement.place.bits else None
        self._requirement = requirement

    def take(self, raw: float, values: dict[str, float | Missing], unmet: _Unmet) -> None:
        if self._bits is not None:
            raw = self._bits.of(raw)
        requirement = self._requirement
        if raw not in requirement.equals:
            self._note(Missing(self._complaint(raw)), unmet)

    def _complaint(self, raw: float) -> str:
        requirement, address = self._requirement, self.place.address
        if math.isfinite(raw) and (meaning := requirement.codes.get(int(raw))):
            return f"register {address} holds {int(raw)}: {meaning}"
        read = f"{raw:#x}" if isinstance(raw, int) else f"{raw:g}"
        wanted = " or ".join(f"{number:#x}" for number in requirement.equals)
        return f"register {address} holds {read} instead of {wanted}: {requirement.because}"

    def missing(self, answer: Missing, values: dict[str, float | Missing], unmet: _Unmet) -> None:
        verdict = Missing(f"register {self.place.address} could not be checked: {answer.because}", answer.garbled)
        self._note(verdict, unmet)

    def _note(self, verdict: Missing, unmet: _Unmet) -> None:
        for channel in self._requirement.channels:
            if channel not in unmet or self._rank < unmet[channel][0]:
                unmet[channel] = self._rank, verdict


_Number = _Value | _Demand


@dataclass(frozen=True, slots=True)
class _Layout:
    """Numbers of one block that one struct unpacks at once: same byte order, not overlapping."""

    image: str
    form: struct.Struct
    numbers: tuple[_Number, ...]


def _laid_out(blocks: Sequence[Block], numbers: Sequence[_Number]) -> list[list[_Layout]]:
    """For each block the fewest structs that unpack its numbers, each number from the last block that holds it."""
    owned: list[list[_Number]] = [[] for _ in blocks]
    for number in numbers:
        owned[max(at for at, block in enumerate(blocks) if block.holds(number.place.block))].append(number)
    return [_layouts(block, held) for block, held in zip(blocks, owned, strict=True)]


def _layouts(block: Block, numbers: Sequence[_Number]) -> list[_Layout]:
    rows: dict[str, list[list[_Number]]] = {}
    for number in sorted(numbers, key=lambda number: number.place.address):
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
