"""Which requests fetch the registers that are wanted. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from drivers.interfaces import Space

MOST_REGISTERS: Final = 125  # in one request; MODBUS Application Protocol V1.1b3, section 6.3


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive registers: those that one value needs, or those that one request fetches."""

    space: Space
    address: int
    count: int

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.address + self.count

    def holds(self, other: "Block") -> bool:
        return self.space is other.space and self.address <= other.address and other.end <= self.end


def plan(wanted: Iterable[Block]) -> tuple[Block, ...]:
    """The requests that fetch all of `wanted` without reading anything else: neighbours share a request, up to 125
    registers; none of `wanted` is split, and the two spaces are never mixed.
    """
    blocks: list[Block] = []
    for value in sorted(wanted, key=lambda value: (value.space.value, value.address, value.end)):
        last = blocks[-1] if blocks else None
        if (
            last is not None
            and last.space is value.space
            and value.address <= last.end
            and value.end - last.address <= MOST_REGISTERS
        ):
            blocks[-1] = Block(last.space, last.address, max(last.end, value.end) - last.address)
        else:
            blocks.append(value)
    return tuple(blocks)
