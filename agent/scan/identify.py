"""Which models of the library a device may be: what it answers is read as each of them would read it. Never writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.domain.errors import ProbeError
from agent.domain.reading import Missing
from drivers.decoding import Answer
from drivers.interfaces import ModbusBus
from drivers.planning import Block
from drivers.probes.modbus_table import TableProfile


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that the device may be.

    `values` are those of its channels within the model's measuring range; they prove nothing: other devices keep
    numbers in the same registers. `proven`: the device says by its own registers that it is this model. `said` is
    what it says of itself besides (serial number, firmware).
    """

    model: TableProfile
    values: Mapping[str, float]
    said: Mapping[str, str]
    proven: bool

    @property
    def rank(self) -> tuple[bool, float, int]:
        return self.proven, len(self.values) / len(self.model.channels), len(self.values)


async def candidates(bus: ModbusBus, unit: int, models: Iterable[TableProfile]) -> list[Candidate]:
    """The likeliest first; one that is proven leaves no others. Raises BusError."""
    device = _Device(bus, unit)
    found = [one for model in models if (one := await _candidate(device, model)) is not None]
    found.sort(key=lambda one: one.rank, reverse=True)
    best = found[0].rank if found else (False, 0.0, 0)
    return found[:1] if best[0] else [one for one in found if one.rank[1] == best[1]]


class _Device:
    """Answers each question once, whichever models want it."""

    def __init__(self, bus: ModbusBus, unit: int) -> None:
        self._bus = bus
        self._unit = unit
        self._heard: dict[Block, Answer] = {}

    async def holds(self, block: Block) -> Answer:
        if block not in self._heard:
            try:
                self._heard[block] = await self._bus.read(self._unit, block.space, block.address, block.count)
            except ProbeError as error:
                self._heard[block] = Missing(str(error))
        return self._heard[block]


async def _candidate(device: _Device, model: TableProfile) -> Candidate | None:
    """None when the device is not of that model."""
    said, proven = {}, False
    for identity in model.identity:
        answer = await device.holds(identity.block)
        if not isinstance(answer, Missing):
            said[identity.what] = identity.said(tuple(answer))
            if not identity.fits(said[identity.what]):
                return None
            proven = proven or bool(identity.expect)
    answers = [await device.holds(block) for block in model.table.blocks]
    if not proven and any(isinstance(answer, Missing) for answer in answers):
        return None
    values = _within_range(model, answers)
    return Candidate(model, values, said, proven) if values or proven else None


def _within_range(model: TableProfile, answers: Sequence[Answer]) -> dict[str, float]:
    measured = model.table.values(answers)
    return {
        channel.name: value
        for channel in model.channels
        if not isinstance(value := measured[channel.name], Missing)
        and (channel.span is None or channel.span.low <= value <= channel.span.high)
    }
