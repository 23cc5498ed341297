"""Probes that measure when told to: the order, the wait, the settling, and the order again after a failure."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from agent.commands.read_once import settled
from agent.domain.clock import Clock
from agent.domain.errors import AquaError, BadReply, NoReply
from agent.domain.reading import Missing
from drivers.interfaces import Cost, Space
from drivers.planning import Block
from drivers.probes.modbus_facts import Start
from drivers.probes.started import StartedDriver
from tests.clock import FakeClock

SILENT = NoReply("no reply in 0.5 s")
ORDER = Block(Space.HOLDING, 1, 0)


class Line:
    """A bus that notes what happens; register 0xA4 holds the milliseconds to wait. `broken` is raised by a write."""

    name = "line"
    quiet_s = 0.0

    cost = Cost(0.02, 0.002)

    def __init__(self, wait_ms: int = 500) -> None:
        self.happened: list[object] = []
        self.broken: AquaError | None = None
        self.fake = FakeClock()
        self.clock: Clock = self.fake
        self.wait_ms = wait_ms

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        self.happened.append((unit, "read", address, count))
        return (self.wait_ms,) * count

    async def write(self, unit: int, address: int, registers: Sequence[int], single: bool = False) -> None:
        if self.broken:
            raise self.broken
        self.happened.append((unit, "single" if single else "write", address, *registers))


class Probe:
    """What is asked after the order."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.fails: AquaError | None = None

    async def read(self) -> Mapping[str, float | Missing]:
        if self.fails:
            raise self.fails
        self.line.happened.append(("asked", round(self.line.fake.boot - 1000, 3)))
        return {"ph": 7.0}


def started(line: Line, probe: Probe, start: Start, settle_s: float = 0.0) -> StartedDriver:
    return StartedDriver(probe, start, settle_s, ("ph",), line, 9)


async def test_every_reading_is_ordered_waited_for_and_fetched() -> None:
    line = Line(wait_ms=500)
    start = Start(ORDER, (15,), single=True, wait_s=0.01, wait_ms=Block(Space.HOLDING, 0xA4, 1))
    driver = started(line, Probe(line), start)
    assert await driver.read() == {"ph": 7.0}
    assert await driver.read() == {"ph": 7.0}
    order, told = (9, "single", 1, 15), (9, "read", 0xA4, 1)
    assert line.happened == [order, told, ("asked", 0.51), order, ("asked", 1.02)]


async def test_a_first_read_can_be_the_order() -> None:
    line = Line()
    driver = started(line, Probe(line), Start(Block(Space.HOLDING, 37, 32), None, wait_s=1))
    await driver.read()
    assert line.happened == [(9, "read", 37, 32), ("asked", 1.0)]


async def test_a_probe_that_is_started_once_has_no_value_until_it_has_settled() -> None:
    line = Line()
    driver = started(line, Probe(line), Start(ORDER, (), once=True), settle_s=10)
    because = "the probe was started and needs another 10 s until its values have settled"
    assert await driver.read() == {"ph": Missing(because, ready_in_s=10.0)}
    line.fake.boot += 9.5
    assert isinstance((await driver.read())["ph"], Missing)
    line.fake.boot += 0.5
    assert await driver.read() == {"ph": 7.0}
    assert line.happened == [(9, "write", 1), ("asked", 10.0)]


@pytest.mark.parametrize("while_starting", [True, False])
async def test_after_a_failure_it_is_started_again(while_starting: bool) -> None:
    line = Line()
    probe = Probe(line)
    driver = started(line, probe, Start(ORDER, (), once=True), settle_s=0)
    if while_starting:
        line.broken = SILENT
    else:
        probe.fails = SILENT
    with pytest.raises(NoReply):
        await driver.read()
    line.broken = probe.fails = None
    line.happened.clear()
    assert await driver.read() == {"ph": 7.0}
    assert line.happened[0] == (9, "write", 1)


async def test_an_absurd_waiting_time_is_not_believed() -> None:
    line = Line(wait_ms=65535)
    driver = started(line, Probe(line), Start(ORDER, (15,), wait_ms=Block(Space.HOLDING, 0xA4, 1)))
    with pytest.raises(BadReply, match=r"unit 9 on line wants 65\.535 s for one measurement"):
        await driver.read()
    assert line.fake.boot == 1000


async def test_reading_once_waits_for_a_probe_that_had_to_be_started() -> None:
    class Settling:
        async def read(self) -> Mapping[str, float | Missing]:
            self.read = lambda: asyncio.sleep(0, {"ph": 7.0})  # type: ignore[method-assign]
            return {"ph": Missing("settling", ready_in_s=0.01)}

    assert await settled(Settling()) == {"ph": 7.0}
