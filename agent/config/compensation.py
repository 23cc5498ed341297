"""`[probes.compensation]`: which sensors of the tank tell a probe's device the temperature and the salinity."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from agent.config import shape
from agent.config.document import Document
from agent.domain.farm import Compensation, Probe, Sensor
from agent.domain.quantity import Quantity
from drivers.interfaces import Compensated, Profile

# Unless the file says how old a value may be: this many turns of the probe it comes from, but at least a minute.
TURNS = 3
AT_LEAST_S = 60.0


class Read(NamedTuple):
    """A probe as its table has it: where that stands, the table, the model, and what became of it."""

    key: str
    table: shape.ProbeTable
    model: Profile
    probe: Probe


def compensated(document: Document, found: Sequence[Read]) -> list[Probe]:
    """All probes, with the sensors that the others of the file ask for."""
    return [replace(one.probe, compensation=tuple(_compensations(document, one, found))) for one in found]


def _compensations(document: Document, one: Read, found: Sequence[Read]) -> Iterator[Compensation]:
    table, able = one.table.compensation, one.model.compensated_by if isinstance(one.model, Compensated) else ()
    for quantity in (Quantity.TEMPERATURE, Quantity.SALINITY):
        name = quantity.name.lower()
        key, wanted = f"{one.key}.compensation.{name}", getattr(table, name)
        if wanted is None:
            continue
        if quantity not in able:
            document.wrong(key, wanted, f"a {one.model.name} cannot be told the {name}", "remove the key")
        elif neighbour := _neighbour(document, key, wanted, quantity, one, found):
            other, sensor = neighbour
            max_age_s = table.max_age_s or max(TURNS * other.period_s, AT_LEAST_S)
            if max_age_s < other.period_s:
                reason = f"{other.name} is read every {other.period_s:g} s only: its value would mostly be too old"
                document.wrong(f"{one.key}.compensation.max_age_s", max_age_s, reason, "write more, or leave it out")
            yield Compensation(sensor, max_age_s)


def _neighbour(
    document: Document, key: str, wanted: str, quantity: Quantity, one: Read, found: Sequence[Read]
) -> tuple[Probe, Sensor] | None:
    """The sensor called `wanted` in the same tank, with its probe."""
    tank, name = one.probe.tank, quantity.name.lower()
    probes = [other.probe for other in found if other.probe.tank is tank]
    sensors = {f"{sensor.probe}/{sensor.channel}": (probe, sensor) for probe in probes for sensor in probe.sensors}
    if wanted not in sensors:
        # A probe whose own table is wrong is not among them, and was told already.
        if len(found) == len(document.list("probes")):
            fitting = ", ".join(key for key, (_, sensor) in sensors.items() if sensor.quantity is quantity)
            reason = f"there is no such sensor in {tank.name} ({fitting or f'none measures the {name}'})"
            document.wrong(key, wanted, reason, 'write "probe/sensor" of the same tank')
        return None
    if sensors[wanted][1].quantity is not quantity:
        measured = sensors[wanted][1].quantity.sensor_type
        document.wrong(key, wanted, f"that measures {measured}", f"name a sensor that measures the {name}")
        return None
    return sensors[wanted]
