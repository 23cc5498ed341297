"""Readings as twenty sensors make them, for benches that begin at the ring buffer: two probes, ten sensors each."""

from dataclasses import replace
from random import Random
from struct import Struct
from uuid import UUID

from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, Priority
from agent.domain.clock import Instant
from agent.domain.farm import Sensor, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading
from tests.alarms import told

PER_SECOND = 20
_FLOAT = Struct("<f")
_TANK = Tank("tank-1", UUID(int=1))
_SENSORS = [
    Sensor(UUID(int=100 + n), _TANK, f"sonde-{n // 10 + 1}", f"c{n % 10}", list(Quantity)[n % 6], None)
    for n in range(PER_SECOND)
]
_ALARM = Alarm(_SENSORS[0], AlarmKind.LOW, Priority.WARNING, 6.0, 0.3, 10.0, 20.0)


class Readings:
    """Random walks with noise, as 32-bit floats; one reading in fifty is suspect and says why."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)
        self._values = [8.0] * PER_SECOND
        self._changes = 0

    def turn(self, probe: int, due: Instant) -> list[CheckedReading]:
        """What probe 0 or 1 measures when it is its turn, a few milliseconds later: ten readings."""
        late_s = self._random.randrange(2, 40) / 1000
        at = replace(due, utc_us=due.utc_us + round(late_s * 1e6), boot_s=due.boot_s + late_s)
        return [self._reading(n, at) for n in range(10 * probe, 10 * probe + 10)]

    def _reading(self, n: int, at: Instant) -> CheckedReading:
        self._values[n] += self._random.uniform(-0.01, 0.01)
        (value,) = _FLOAT.unpack(_FLOAT.pack(self._values[n] + self._random.uniform(-0.02, 0.02)))
        reading = Reading(_SENSORS[n], at, value)
        if self._random.random() < 0.02:
            because = "rate_of_change: 0.31 mg/L a minute is more than 0.25"
            return CheckedReading(reading, Flag.SUSPECT, 0.75, "11311", because)
        return CheckedReading(reading, Flag.GOOD, 1.0, "11111", None)

    def change(self, at: Instant) -> AlarmChange:
        """One alarm, raised and cleared in turn."""
        self._changes += 1
        active, occurrence = self._changes % 2 == 1, (self._changes + 1) // 2
        raised = f"{at.boot_id}/{int(at.boot_s * 1000)}"
        message = "tank-1: DissolvedOxygen 5.80 mg/L is below 6 (warning, sonde-1)"
        return told(self._changes, _ALARM, active, occurrence, raised, at, 5.8, message)
