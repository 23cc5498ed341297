"""Modbus probe models that a register table describes: the profile, and the driver that asks for its blocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from agent.domain.farm import MODBUS, Protocol, SerialLine, Unit
from agent.domain.reading import Missing
from drivers.decoding import Table
from drivers.interfaces import Bus, Channel, ModbusBus, ProbeDriver
from drivers.planning import STANDARD, Manners
from drivers.probes.block_reader import BlockReader
from drivers.probes.modbus_facts import Calibration, Identity, Start, Timing
from drivers.probes.started import StartedDriver


@dataclass(frozen=True, slots=True, eq=False)
class TableProfile:
    """A `Profile` read from TOML.

    `serial` and `unit` are the factory settings, `manual` (and its `revision`) says where the facts come from and
    `byte_order_verified` how their order was made sure of. `unverified` lists what was taken on trust.
    """

    name: str
    title: str
    manufacturer: str
    manual: str
    byte_order_verified: str
    serial: SerialLine
    unit: int
    channels: tuple[Channel, ...]
    table: Table
    manners: Manners
    timing: Timing
    start: Start | None
    identity: tuple[Identity, ...]
    calibration: Calibration
    revision: str
    unverified: tuple[str, ...]
    protocols: frozenset[Protocol] = MODBUS

    @property
    def min_period_s(self) -> float:
        return self.timing.min_period_s or 0.0

    def driver(self, bus: Bus, unit: Unit) -> ProbeDriver:
        line, address = cast(ModbusBus, bus), int(unit)
        asks = TableDriver(self.table, line, address, self.manners)
        if self.start is None:
            return asks
        names = tuple(channel.name for channel in self.channels)
        return StartedDriver(asks, self.start, self.timing.stabilise_s or 0.0, names, line, address)


class TableDriver:
    """Reads one probe's table in as few requests as it accepts."""

    def __init__(self, table: Table, bus: ModbusBus, unit: int, manners: Manners = STANDARD) -> None:
        self._table = table
        self._reader = BlockReader(bus, unit, table.wanted, table.declared, manners)

    async def read(self) -> Mapping[str, float | Missing]:
        fetched = await self._reader.read()
        blocks = tuple(block for block, _ in fetched)
        if blocks != self._table.blocks:
            self._table = self._table.laid_out(blocks)
        return self._table.values([answer for _, answer in fetched])
