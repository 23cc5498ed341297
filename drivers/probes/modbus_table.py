"""Modbus probe models that a register table describes: the profile, and the driver that asks for its blocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from agent.domain.errors import BadReply, BusError, NoReply, ProbeError
from agent.domain.farm import MODBUS, Protocol, SerialLine, Unit
from agent.domain.reading import Missing
from drivers.decoding import Answer, Table
from drivers.interfaces import Bus, Channel, ModbusBus, ProbeDriver
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
        asks = TableDriver(self.table, line, address)
        if self.start is None:
            return asks
        names = tuple(channel.name for channel in self.channels)
        return StartedDriver(asks, self.start, self.timing.stabilise_s or 0.0, names, line, address)


class TableDriver:
    """Asks one probe for the blocks of its table."""

    def __init__(self, table: Table, bus: ModbusBus, unit: int) -> None:
        self._table = table
        self._bus = bus
        self._unit = unit

    async def read(self) -> Mapping[str, float | Missing]:
        answers: list[Answer] = []
        errors: list[BusError | ProbeError] = []
        for block in self._table.blocks:
            try:
                answers.append(await self._bus.read(self._unit, block.space, block.address, block.count))
            except (BusError, ProbeError) as error:
                answers.append(Missing(str(error), isinstance(error, BadReply)))
                errors.append(error)
                # A dead port, or a dead probe, costs one timeout a turn and not one a block.
                if isinstance(error, BusError) or (isinstance(error, NoReply) and len(answers) == 1):
                    break
        if len(errors) == len(answers):
            raise errors[-1] if isinstance(errors[-1], BusError) else errors[0]
        answers += [answers[-1]] * (len(self._table.blocks) - len(answers))
        return self._table.values(answers)
