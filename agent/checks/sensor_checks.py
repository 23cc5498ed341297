"""All checks of one sensor, and of all sensors of a farm: the flag, the quality score and the reasons of a reading.

Of a reading that comes twice the first one counts, and the second is late; batch software such as ioos_qc can flag all
copies, the first one too, but that has long been an alarm or none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from agent.checks import CHECKS, worst
from agent.checks.check import GOOD, Check, Point, Surroundings
from agent.checks.trace import Trace
from agent.domain.farm import Derived, Probe, Sensor
from agent.domain.quality import NO_MEASUREMENT, PERFECT
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading, Verdict

_made = tuple.__new__
"""A named tuple of all its fields in order: its own constructor, which gives them names, takes twice as long."""

_DIGIT = {flag: str(flag.value) for flag in Flag}
_OFF = _DIGIT[Flag.NOT_EVALUATED]
_ALONE = Surroundings()


class SensorChecks:
    """The checks of one sensor; `limits` by the check's name, a check without limits is off."""

    def __init__(
        self, limits: Mapping[str, Any], surroundings: Surroundings = _ALONE, trace: Trace | None = None
    ) -> None:
        found = {name: kind.check(limits[name], surroundings) for name, kind in CHECKS.items() if name in limits}
        made = {name: check for name, check in found.items() if check.applies}
        self.checks: Mapping[str, Check] = made
        self._names = list(made)
        self._judges = [check.judge for check in made.values()]
        self._judges_late = [check.judge_late for check in made.values()]
        self._counts = [not check.of_the_reading_before for check in made.values()]
        learners = [(check.memory_s, check.learn) for check in made.values() if check.remembers]
        self._learners = [learn for _, learn in learners]
        self._longest_memory_first = sorted(learners, key=lambda learner: -learner[0])
        self._places = [place for place, name in enumerate(CHECKS) if name in made]
        # what the checks last said without a reason, and what came of it: mostly they say it again
        self._quiet = [GOOD] * len(made)
        self._of_quiet = self._together(self._quiet)
        self._tests_missing = {
            garbled: self._tests([check.missing(garbled) for check in made.values()]) for garbled in (False, True)
        }
        self._trace = trace or Trace("")
        self._last_s = -inf

    @property
    def memory_s(self) -> float:
        """How far back the checks look, in seconds."""
        return max((check.memory_s for check in self.checks.values()), default=0.0)

    def check(self, reading: Reading) -> CheckedReading:
        """The reading with every verdict on it. Missing stays missing: there is no value to test."""
        value, at = reading.value, reading.at
        if value is None:
            tests = self._tests_missing[reading.garbled]
            return CheckedReading(reading, Flag.MISSING, NO_MEASUREMENT, tests, reading.because)
        at_s = at.boot_ms / 1000
        point = _made(Point, (at_s, value, at.utc_us if at.trusted else None))
        late = at_s <= self._last_s
        verdicts = [judge(point) for judge in (self._judges_late if late else self._judges)]
        if verdicts == self._quiet:
            flag, quality, tests, because = self._of_quiet
        else:
            flag, quality, tests, because = together = self._together(verdicts)
            if because is None:
                self._quiet, self._of_quiet = verdicts, together
        self.learn(at_s, value, quality)
        return _made(CheckedReading, (reading, flag, quality, tests, because))

    def _together(self, verdicts: list[Verdict]) -> tuple[Flag, float, str, str | None]:
        counted = [verdict for verdict, counts in zip(verdicts, self._counts, strict=True) if counts]
        reasons = [
            f"{name}: {verdict.because}"
            for name, verdict, counts in zip(self._names, verdicts, self._counts, strict=True)
            if counts and verdict.because is not None
        ]
        return (
            worst(verdict.flag for verdict in counted),
            min((verdict.quality for verdict in counted), default=PERFECT),
            self._tests([verdict.flag for verdict in verdicts]),
            "; ".join(reasons) or None,
        )

    def _tests(self, flags: Iterable[Flag]) -> str:
        """A digit for every check there is, those that are off included."""
        digits = [_OFF] * len(CHECKS)
        for place, flag in zip(self._places, flags, strict=True):
            digits[place] = _DIGIT[flag]
        return "".join(digits)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        """Let the checks remember a value that was judged; `at_s` in boot seconds."""
        if quality <= NO_MEASUREMENT or at_s <= self._last_s:
            return
        self._last_s = at_s
        for learn in self._learners:
            learn(at_s, value, quality)
        if self._trace.followed:
            self._trace.add(at_s, value)

    def learn_again(self, at_s: float, value: float, quality: float, age_s: float) -> None:
        """The same after a restart, for a value that is `age_s` seconds old: each check gets what it looks back to."""
        if quality <= NO_MEASUREMENT or at_s <= self._last_s:
            return
        self._last_s = at_s
        for memory_s, learn in self._longest_memory_first:
            if age_s > memory_s:
                break
            learn(at_s, value, quality)
        if self._trace.followed:
            self._trace.add(at_s, value)


def farm_checks(
    probes: Iterable[Probe], limits: Mapping[Sensor, Mapping[str, Any]], derived: Iterable[Derived] = ()
) -> dict[Sensor, SensorChecks]:
    """The checks of every sensor, each with a view of the others in its tank."""
    placed = [(probe.period_s, sensor) for probe in probes for sensor in probe.sensors]
    placed += [(one.period_s, one.sensor) for one in derived]
    traces = {sensor: Trace(f"{sensor.probe}/{sensor.channel}") for _, sensor in placed}
    checks = {}
    for period_s, sensor in placed:
        others: dict[Quantity, list[Trace]] = defaultdict(list)
        for other, trace in traces.items():
            if other.tank == sensor.tank and other is not sensor:
                others[other.quantity].append(trace)
        checks[sensor] = SensorChecks(limits[sensor], Surroundings(sensor.quantity, period_s, others), traces[sensor])
    return checks
