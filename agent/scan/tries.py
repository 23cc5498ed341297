"""Which questions find the devices on a line, the likeliest first. Pure.

A question is a read of a few registers, never a write. Any answer finds a device, also a refusal. First each model of
the library is asked at its factory settings. Then every address, the low ones first, is asked at every setting of the
library: for the first register, which most devices answer somehow, and for what models answer that keep silent where
they do not know a register.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from drivers.interfaces import Space
from drivers.planning import Block
from drivers.probes.modbus_table import TableProfile


class Line(NamedTuple):
    """How bytes are framed on a serial line; all a scan can vary."""

    baud: int
    parity: str
    stop_bits: int

    def __str__(self) -> str:
        return f"{self.baud} 8{self.parity}{self.stop_bits}"


class Try(NamedTuple):
    """One question to one address; `line` is None where there is nothing to vary (TCP)."""

    line: Line | None
    unit: int
    block: Block


_NEAR: Final = 32
FIRST_REGISTER: Final = Block(Space.HOLDING, 0, 1)


def line_of(model: TableProfile) -> Line:
    return Line(model.serial.baud, model.serial.parity, model.serial.stop_bits)


def lines_of(models: Iterable[TableProfile]) -> list[Line]:
    """The factory settings of the models, those of most models first."""
    counted: dict[Line, int] = {}
    for model in models:
        counted[line_of(model)] = counted.get(line_of(model), 0) + 1
    return sorted(counted, key=lambda line: (-counted[line], line))


def question(model: TableProfile) -> Block:
    """What a device of that model is sure to answer: who it is, or else its first values."""
    return model.identity[0].block if model.identity else model.table.blocks[0]


def tries(models: Sequence[TableProfile], lines: Sequence[Line | None], units: Collection[int]) -> list[Try]:
    """Every question once, in the order they are to be asked."""
    return list(dict.fromkeys(_in_order(models, lines, units)))


def _in_order(models: Sequence[TableProfile], lines: Sequence[Line | None], units: Collection[int]) -> Iterator[Try]:
    for line in lines:
        for model in models:
            if line in (None, line_of(model)) and model.unit in units:
                yield Try(line, model.unit, question(model))
    near = [unit for unit in sorted(units) if unit <= _NEAR]
    for some in (near, sorted(set(units).difference(near))):
        for line in lines:
            silent = [model for model in models if line in (None, line_of(model)) and not model.manners.gaps]
            for block in (FIRST_REGISTER, *map(question, silent)):
                yield from (Try(line, unit, block) for unit in some)
