"""Which requests fetch the registers that are wanted, in the least time on the wire. Pure.

A request costs a fixed time and a time for each register (`Cost`, which the bus knows). Registers between two wanted
ones are fetched and thrown away where that takes less time than a second request.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.interfaces import Cost, Space

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


@dataclass(frozen=True, slots=True)
class Manners:
    """What a probe model bears: registers in one request, and (`gaps`) to be asked for those that nobody wants."""

    most: int = MOST_REGISTERS
    gaps: bool = True


STANDARD: Final = Manners()


def plan(
    wanted: Iterable[Block], cost: Cost, manners: Manners = STANDARD, refused: Collection[Block] = ()
) -> tuple[Block, ...]:
    """The requests that fetch all of `wanted` in the least time, and then in the fewest.

    None of `wanted` is split, the two spaces are never mixed, and no request holds one of the `refused` unless it
    fetches a single one of `wanted`. Only such a one can be longer than the model bears.
    """
    requests: list[Block] = []
    for space in Space:
        requests += _plan_of_space(outermost(block for block in wanted if block.space is space), cost, manners, refused)
    return tuple(requests)


def outermost(blocks: Iterable[Block]) -> list[Block]:
    """Those of one space's `blocks` that no other one holds, in order: both their beginnings and their ends rise."""
    found: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.address, -block.end)):
        if not found or block.end > found[-1].end:
            found.append(block)
    return found


def hull(blocks: Sequence[Block]) -> Block:
    """The request that fetches all of `blocks`, which are in order and of one space."""
    return Block(blocks[0].space, blocks[0].address, blocks[-1].end - blocks[0].address)


def _plan_of_space(wanted: Sequence[Block], cost: Cost, manners: Manners, refused: Collection[Block]) -> list[Block]:
    # Since beginnings and ends rise, no plan is cheaper than the best one whose requests each fetch a run of `wanted`.
    # `best[n]` is what the first n of them cost, with the beginning of the last run.
    best: list[tuple[float, int, int]] = [(0.0, 0, 0)]
    for end in range(1, len(wanted) + 1):
        options = []
        for begin in range(end - 1, -1, -1):
            request = hull(wanted[begin:end])
            alone = begin == end - 1
            if not alone and not _borne(request, wanted[begin : begin + 2], manners, refused):
                break  # nor is a longer one
            seconds, requests, _ = best[begin]
            options.append((seconds + cost.of(request.count), requests + 1, begin))
        best.append(min(options))
    found: list[Block] = []
    end = len(wanted)
    while end:
        begin = best[end][2]
        found.append(hull(wanted[begin:end]))
        end = begin
    return found[::-1]


def _borne(request: Block, first_two: Sequence[Block], manners: Manners, refused: Collection[Block]) -> bool:
    """Whether the model bears `request`, when it bears the same one without the first of `first_two`."""
    gap = first_two[1].address > first_two[0].end
    return (
        request.count <= manners.most
        and (manners.gaps or not gap)
        and not any(request.holds(block) for block in refused)
    )
