"""Register tables: where the numbers of a Modbus probe lie, and what they mean. Pure."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from agent.domain.quantity import Quantity
from drivers.interfaces import Space
from drivers.planning import Block

# Each type: its struct letter and its size in registers.
TYPES: Final = {
    "int16": ("h", 1),
    "uint16": ("H", 1),
    "int32": ("i", 2),
    "uint32": ("I", 2),
    "int64": ("q", 4),
    "uint64": ("Q", 4),
    "float32": ("f", 2),
    "float64": ("d", 4),
}

# A value whose bytes are A (highest) to D comes in one of four orders; longer values accordingly. Registers packed low
# byte first undo the orders that swap bytes within a register, so each order is one of two images read one of two ways.
ORDERS: Final = {"ABCD": (">", ">"), "CDAB": ("<", "<"), "BADC": ("<", ">"), "DCBA": (">", "<")}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number lies and how it is written: wire address (0-based), type, byte order.

    `bits` takes a part of a whole number, as one without sign: first and last bit, counted from the lowest, 0.
    """

    space: Space
    address: int
    type: str = "uint16"
    order: str = "ABCD"
    bits: tuple[int, int] | None = None

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
    """A register that must hold one of `equals`, or else `channels` have no value.

    `codes` says what other numbers mean; `because` is said of those it does not list.
    """

    place: Place
    equals: tuple[int, ...]
    channels: tuple[str, ...]
    because: str
    codes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Idle:
    """`channels` that are all zero at once have no value."""

    channels: tuple[str, ...]
    because: str


def tells_orders_apart(requirement: Requirement, orders: Sequence[str]) -> bool:
    """Whether no number that `requirement` takes looks like one in another of `orders`."""
    letter, size = TYPES[requirement.place.type]
    seen = set()
    for order in orders:
        image, form = ORDERS[order]
        for number in requirement.equals:
            registers = struct.unpack(f"{image}{size}H", struct.pack(f"{form}{letter}", number))
            if registers in seen:
                return False
            seen.add(registers)
    return True
