"""Readings as twenty sensors make them, for benches that begin at the ring buffer: two probes, ten sensors each."""

from random import Random
from uuid import UUID

from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, Priority
from agent.domain.clock import Instant
from agent.domain.farm import Sensor, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading

PER_SECOND = 20
_TANK = Tank("tank-1", UUID(int=1))
_SENSORS = [
    Sensor(UUID(int=100 + n), _TANK, f"sonde-{n // 10 + 1}", f"c{n % 10}", list(Quantity)[n % 6], None)
    for n in range(PER_SECOND)
]
_ALARM = Alarm(_SENSORS[0], AlarmKind.LOW, Priority.WARNING, 6.0, 0.3, 10.0, 20.0)


class Readings:
    """Random walks in steps of 0.01; one reading in fifty is suspect and says why."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)
        self._values = [8.0] * PER_SECOND
        self._changes = 0

    def turn(self, probe: int, at: Instant) -> list[CheckedReading]:
        """What probe 0 or 1 measures at that instant: ten readings."""
        return [self._reading(n, at) for n in range(10 * probe, 10 * probe + 10)]

    def _reading(self, n: int, at: Instant) -> CheckedReading:
        self._values[n] = value = round(self._values[n] + self._random.choice((-0.01, 0.0, 0.01)), 2)
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
        return AlarmChange(self._changes, _ALARM, active, occurrence, raised, at, 5.8, Flag.GOOD, message)
