"""A close look at one probe: what is asked and answered on the wire, beside what becomes of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from agent.domain.errors import AquaError, BusError, ProbeError
from agent.domain.farm import Probe, Unit
from agent.domain.reading import Missing
from drivers.interfaces import Bus, ModbusBus, Profile, Sdi12Bus, Space, TextBus


class Overheard:
    """A bus that notes what one driver reads through it; everything else goes straight to the bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.noted: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        note: dict[str, Any] = {"space": space.name.lower(), "address": address, "count": count}
        with _noting(self.noted, note):
            registers = await cast(ModbusBus, self._bus).read(unit, space, address, count)
            note["registers"] = list(registers)
        return registers

    async def ask(self, command: str, answer_within_s: float) -> list[str]:
        note: dict[str, Any] = {"command": command}
        with _noting(self.noted, note):
            note["lines"] = await cast(TextBus, self._bus).ask(command, answer_within_s)
        return list(note["lines"])

    async def measure(self, address: str, command: str, longest_s: float) -> tuple[float, ...]:
        note: dict[str, Any] = {"command": f"{address}{command}!"}
        with _noting(self.noted, note):
            values = await cast(Sdi12Bus, self._bus).measure(address, command, longest_s)
            note["lines"] = [f"{value:+g}" for value in values]
        return values


@contextmanager
def _noting(notes: list[dict[str, Any]], note: dict[str, Any]) -> Iterator[None]:
    """Keeps the note of one exchange, with the reason when it failed."""
    notes.append(note)
    try:
        yield
    except AquaError as error:
        note["error"] = str(error)
        raise


async def look(probe: Probe, profile: Profile, bus: Bus) -> dict[str, Any]:
    """Ask `probe` once. JSON-ready: `exchanges` (each with `error`, or `registers` or `lines`), and `values` by
    channel, each with `value` in `unit`, or `because` there is none.
    """
    overheard = Overheard(bus)
    measured: Mapping[str, float | Missing]
    try:
        await bus.open()
        measured = await profile.driver(cast(Bus, overheard), probe.unit).read()
    except (BusError, ProbeError) as error:
        measured = {channel.name: Missing(str(error)) for channel in profile.channels}
    return {
        "probe": f"{probe.tank.name}/{probe.name}",
        "title": profile.title,
        "bus": probe.bus,
        "unit": probe.unit,
        "exchanges": overheard.noted,
        "values": {
            channel.name: _told(measured[channel.name]) | {"unit": channel.quantity.unit}
            for channel in profile.channels
        },
    }


def _told(value: float | Missing) -> dict[str, Any]:
    return {"because": value.because} if isinstance(value, Missing) else {"value": value}


def named(probes: Sequence[Probe], name: str) -> Probe:
    """The probe `name`, or `tank/name`. Raises AquaError when that is none, or several."""
    found = [probe for probe in probes if name in (probe.name, f"{probe.tank.name}/{probe.name}")]
    if len(found) == 1:
        return found[0]
    choice = ", ".join(f"{probe.tank.name}/{probe.name}" for probe in found or probes)
    raise AquaError(f"{'several probes are' if found else 'no probe is'} named {name!r}: choose one of {choice}")


def shown_unit(unit: Unit) -> str:
    """A device's address as a part of a sentence; empty where the bus has none."""
    return f", unit {unit}" if unit else ""
