"""The way of one reading through the house, on one screen.

    polling ──Reading──▶ checks ──CheckedReading──▶ alarms ──AlarmChange──▶ alarm feed, at once
                                        └──────────────┴──▶ store, with the next commit

Nothing here waits: the feed and the store take what they are given and do their I/O elsewhere.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

from agent.alarm_messages import sentence
from agent.alarms import Standing, Watch
from agent.checks import CHECKS, worst
from agent.checks.history import History
from agent.domain.alarm import Alarm, AlarmChange
from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading, Flag, Reading, Verdict
from agent.store.memory import Remembered

Tell = Callable[[Sequence[AlarmChange]], None]
Keep = Callable[[Iterable[CheckedReading], Sequence[AlarmChange]], None]


class SensorChecks:
    """All checks of one sensor and what they remember; `limits` by check name, a check without limits is off."""

    def __init__(self, limits: Mapping[str, Any]) -> None:
        self._checks = [(check.judge, limits.get(name)) for name, check in CHECKS.items()]
        flat_line, z_score = limits.get("flat_line"), limits.get("z_score")
        self.history = History(
            still_tolerance=flat_line.tolerance if flat_line else 0.0,
            still_gap_s=flat_line.fail_after_s if flat_line else inf,
            baseline_window_s=z_score.window_s if z_score else 86_400.0,
        )

    def check(self, reading: Reading) -> CheckedReading:
        """The reading with every verdict on it. Missing stays missing: there is nothing to test."""
        value, at_s = reading.value, reading.at.boot_s
        if value is None:
            return CheckedReading(reading, Flag.MISSING, 0.0, "", reading.because)
        history = self.history
        tests, bad = "", []
        flags = set()
        for judge, limits in self._checks:
            if limits is None:
                tests += "2"
                continue
            verdict = judge(value, at_s, history, limits)
            flag = verdict.flag
            tests += _DIGIT[flag]
            flags.add(flag)
            if verdict.because is not None:
                bad.append(verdict)
        quality = min((verdict.quality for verdict in bad), default=1.0)
        if not any(_is_no_measurement(verdict) for verdict in bad):
            history.add(at_s, value, quality)
        because = "; ".join(f"{verdict.check}: {verdict.because}" for verdict in bad) or None
        return CheckedReading(reading, worst(flags), quality, tests, because)


_DIGIT = {flag: str(flag.value) for flag in Flag}


def _is_no_measurement(verdict: Verdict) -> bool:
    """Outside the sensor's span: such a value must not reach any statistic."""
    return verdict.check == "gross_range" and verdict.flag is Flag.FAIL


class Pipeline:
    """Takes readings in; `latest` holds the newest of each sensor for those who look on."""

    def __init__(self, checks: Mapping[Sensor, SensorChecks], alarms: Iterable[Alarm], keep: Keep, tell: Tell) -> None:
        self._checks = checks
        self._histories = {sensor.sensor_id: own.history for sensor, own in checks.items()}
        self._watches: dict[Sensor, list[Watch]] = {sensor: [] for sensor in checks}
        for alarm in alarms:
            self._watches[alarm.sensor].append(Watch(alarm))
        self._keep = keep
        self._tell = tell
        self._last_seq = 0
        self.latest: dict[Sensor, CheckedReading] = {}

    def remember(self, past: Remembered) -> None:
        """Give a sensor's checks something stored before this start; oldest first."""
        history = self._histories.get(past.sensor_id)
        if history is None:
            return
        if past.bucket:
            history.baseline.add_bucket(past.at_s, past.count, past.mean, past.m2)
        else:
            history.add(past.at_s, past.mean, past.quality)

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
