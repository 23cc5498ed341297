"""The way of one reading through the house, on one screen.

    polling ──Reading──▶ checks ──CheckedReading──▶ alarms ──AlarmChange──▶ alarm feed, at once
                                        └──────────────┴──▶ store, with the next commit

Nothing here waits: the feed and the store take what they are given and do their I/O elsewhere.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from agent.alarm_messages import sentence
from agent.alarms import Standing, Watch
from agent.checks.sensor_checks import SensorChecks
from agent.domain.alarm import Alarm, AlarmChange
from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading, Flag, Reading
from agent.store.memory import Remembered

Tell = Callable[[Sequence[AlarmChange]], None]
Keep = Callable[[Iterable[CheckedReading], Sequence[AlarmChange]], None]


class Pipeline:
    """Takes readings in; `latest` holds the newest of each sensor for those who look on."""

    def __init__(self, checks: Mapping[Sensor, SensorChecks], alarms: Iterable[Alarm], keep: Keep, tell: Tell) -> None:
        self._checks = checks
        self._checks_of = {sensor.sensor_id: own for sensor, own in checks.items()}
        self._watches: dict[Sensor, list[Watch]] = {sensor: [] for sensor in checks}
        for alarm in alarms:
            self._watches.setdefault(alarm.sensor, []).append(Watch(alarm))
        self._keep = keep
        self._tell = tell
        self._last_seq = 0
        self.latest: dict[Sensor, CheckedReading] = {}

    @property
    def memory_s(self) -> float:
        """How far back the checks look, in seconds."""
        return max((checks.memory_s for checks in self._checks.values()), default=0.0)

    def remember(self, past: Remembered) -> None:
        """Let a sensor's checks learn again what was stored before this start; oldest first."""
        checks = self._checks_of.get(past.sensor_id)
        if checks is not None:
            checks.learn(past.at_s, past.value, past.quality)

    def resume(self, standing: Iterable[AlarmChange], at: Instant) -> None:
        """Let every alarm stand where its last change left it, and clear those that nobody watches any more."""
        known = {str(change.alarm): change for change in standing}
        self._last_seq = max((change.seq for change in known.values()), default=0)
        for watch in self.watches():
            if change := known.pop(str(watch.alarm), None):
                watch.standing = Standing(change.active, change.occurrence, change.raised)
        gone = [self._cleared(change, at) for change in known.values() if change.active]
        if gone:
            self._tell(gone)
            self._keep([], gone)

    def _cleared(self, left: AlarmChange, at: Instant) -> AlarmChange:
        """It would stand for ever: its sensor or limit was taken out of the configuration."""
        message = f"{left.alarm} is not configured any more and was cleared for that"
        return AlarmChange(
            self._next_seq(at), left.alarm, False, left.occurrence, left.raised, at, None, Flag.NOT_EVALUATED, message
        )

    def watches(self) -> Iterable[Watch]:
        return (watch for watches in self._watches.values() for watch in watches)

    def take_in(self, readings: Iterable[Reading]) -> None:
        """Check, watch, tell, keep: everything that happens to readings of one probe's turn."""
        checked_readings, changes = [], []
        for reading in readings:
            sensor = reading.sensor
            checked = self._checks[sensor].check(reading)
            self.latest[sensor] = checked
            checked_readings.append(checked)
            for watch in self._watches[sensor]:
                if watch.observe(checked):
                    changes.append(self._change(watch, checked))
        if changes:
            self._tell(changes)
        self._keep(checked_readings, changes)

    def _change(self, watch: Watch, checked: CheckedReading) -> AlarmChange:
        at, standing = checked.reading.at, watch.standing
        message = sentence(watch.alarm, standing.active, checked)
        return AlarmChange(
            self._next_seq(at), watch.alarm, standing.active, standing.occurrence, standing.raised, at,
            checked.reading.value, checked.flag, message,
        )  # fmt: skip

    def _next_seq(self, at: Instant) -> int:
        """Wall time in the number keeps it growing even when the log of earlier changes cannot be read."""
        self._last_seq = max(self._last_seq + 1, at.utc_us)
        return self._last_seq
