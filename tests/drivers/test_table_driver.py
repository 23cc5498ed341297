"""How a table driver goes through its blocks when some of them fail."""

from collections.abc import Sequence

import pytest

from agent.domain.clock import Clock
from agent.domain.errors import AquaError, BusError, NoReply, Refused
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.decoding import Table
from drivers.interfaces import Cost, Space
from drivers.probes.modbus_table import TableDriver
from drivers.registers import Place, Register
from tests.drivers.devices import RealClock

GONE = BusError("/dev/ttyPond was lost")
SILENT = NoReply("no reply in 0.5 s")
REFUSED = Refused("illegal data address (exception 2)", 2)

TABLE = Table([Register(f"r{a}", Place(Space.HOLDING, a), Quantity.ORP, "mV") for a in (10, 20, 30)])


class Line:
    """A bus that gives each request the next outcome; a number is the register's content."""

    name = "line"
    quiet_s = 0.0
    cost = Cost(0.001, 1.0)  # no gap is worth filling

    def __init__(self, outcomes: Sequence[int | AquaError]) -> None:
        self.outcomes = list(outcomes)
        self.clock: Clock = RealClock()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, AquaError):
            raise outcome
        return (outcome,) * count

    async def write(self, unit: int, address: int, registers: Sequence[int], single: bool = False) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("outcomes", "values"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([REFUSED, 2, 3], [REFUSED, 2, 3]),
        ([1, REFUSED, 3], [1, REFUSED, 3]),
        ([1, SILENT, 3], [1, SILENT, 3]),  # some probes ignore a register that they do not know
        ([REFUSED, SILENT, 3], [REFUSED, SILENT, 3]),
        ([1, GONE], [1, GONE, GONE]),
    ],
)
async def test_a_failed_block_keeps_its_reason_and_its_place(
    outcomes: list[int | AquaError], values: list[int | AquaError]
) -> None:
    line = Line(outcomes)
    found = await TableDriver(TABLE, line, 1).read()
    expected = [Missing(str(value)) if isinstance(value, AquaError) else value for value in values]
    assert list(found.values()) == expected
    assert not line.outcomes


@pytest.mark.parametrize(
    ("outcomes", "error", "asked"),
    [
        ([SILENT, 2, 3], SILENT, 1),
        ([GONE, 2, 3], GONE, 1),
        ([REFUSED, REFUSED, REFUSED], REFUSED, 3),
        ([REFUSED, GONE, 3], GONE, 2),
    ],
)
async def test_a_turn_without_any_answer_is_an_error(
    outcomes: list[int | AquaError], error: AquaError, asked: int
) -> None:
    line = Line(outcomes)
    with pytest.raises(type(error)) as caught:
        await TableDriver(TABLE, line, 1).read()
    assert caught.value is error
    assert len(line.outcomes) == 3 - asked
