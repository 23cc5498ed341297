"""All checks of one sensor, and of all sensors of a farm: the flag, the quality score and the reasons of a reading.

Of a reading that comes twice the first one counts, and the second is late; batch software such as ioos_qc can flag all
copies, the first one too, but that has long been an alarm or none.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import inf
from typing import Any

from agent.checks import CHECKS, worst
from agent.checks.check import GOOD, Check, Point, Surroundings
from agent.checks.learner import Learner, State
from agent.checks.trace import Trace
from agent.domain.farm import DERIVED, Derived, Probe, Sensor
from agent.domain.quality import NO_MEASUREMENT, PERFECT
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading, Verdict

_made = tuple.__new__
"""A named tuple of all its fields in order: its own constructor, which gives them names, takes twice as long."""

Learn = Callable[[float, float, float], None]

_DIGIT = {flag: str(flag.value) for flag in Flag}
_OFF = _DIGIT[Flag.NOT_EVALUATED]
_ALONE = Surroundings()

_TRACE = "trace"
"""Stands among the names of checks for what others see of this sensor."""


class SensorChecks:
    """The checks of one sensor; `limits` by the check's name, a check without limits is off.

    Their time is the boot clock and `offset_ms`: what was learnt in an earlier boot keeps its times, and those of this
    one go on after them.
    """

    def __init__(
        self, limits: Mapping[str, Any], surroundings: Surroundings = _ALONE, trace: Trace | None = None
    ) -> None:
        found = {name: kind.check(limits[name], surroundings) for name, kind in CHECKS.items() if name in limits}
        made = {name: check for name, check in found.items() if check.applies}
        self.checks: Mapping[str, Check] = made
        self._names = list(made)
        self._judges = [check.judge for check in made.values()]
        self._judges_late = [check.judge_late for check in made.values()]
        self._counts = [not check.only_noted for check in made.values()]
        self._learners: list[Learn] = [check.learn for check in made.values() if check.remembers]
        self._known_upto = 0
        self._learn_on: list[Learn] = []
        self._longest_memory_first = self._to_learn_again(())
        self._places = [place for place, name in enumerate(CHECKS) if name in made]
        # what the checks last said without a reason, and what came of it: mostly they say it again
        self._quiet = [GOOD] * len(made)
        self._of_quiet = self._together(self._quiet)
        self._tests_missing = {
            garbled: self._tests([check.missing(garbled) for check in made.values()]) for garbled in (False, True)
        }
        self._trace = trace or Trace("")
        self.offset_ms = 0
        self._last_s = -inf

    def _to_learn_again(self, known: Collection[str]) -> list[tuple[float, Learn]]:
        learners = [(name, check) for name, check in self.checks.items() if check.remembers and name not in known]
        return sorted(((check.memory_s, check.learn) for _, check in learners), key=lambda learner: -learner[0])

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
        at_s = (at.boot_ms + self.offset_ms) / 1000
        point = _made(Point, (at_s, value, at.utc_us if at.trusted else None))
        late = at_s <= self._last_s
        verdicts = [judge(point) for judge in (self._judges_late if late else self._judges)]
        if verdicts == self._quiet:
            flag, quality, tests, because = self._of_quiet
        else:
            flag, quality, tests, because = together = self._together(verdicts)
            if because is None:
                self._quiet, self._of_quiet = verdicts, together
        self._learn(at_s, value, quality)
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

    def _learn(self, at_s: float, value: float, quality: float) -> None:
        """Let the checks remember a value that was judged."""
        if quality <= NO_MEASUREMENT or at_s <= self._last_s:
            return
        self._last_s = at_s
        for learn in self._learners:
            learn(at_s, value, quality)
        if self._trace.followed:
            self._trace.add(at_s, value)

    def learn_again(self, seq: int, at_s: float, value: float, quality: float, age_s: float) -> None:
        """The same after a restart, for the stored value of that number, `at_s` in seconds of this boot and `age_s`
        seconds old: each check gets what it does not know yet, as far as it looks back.
        """
        at_s = (round(at_s * 1000) + self.offset_ms) / 1000
        if quality <= NO_MEASUREMENT or at_s <= self._last_s:
            return
        self._last_s = at_s
        if seq > self._known_upto:
            for learn in self._learn_on:
                learn(at_s, value, quality)
        for memory_s, learn in self._longest_memory_first:
            if age_s > memory_s:
                break
            learn(at_s, value, quality)
        if self._trace.followed:
            self._trace.add(at_s, value)

    def learnt(self) -> Iterator[tuple[str, str, State]]:
        """Of every check that learns: its name, its basis and its state."""
        for name, check in self.checks.items():
            if check.remembers:
                yield name, check.basis, check.state()
        yield _TRACE, "", {"last_s": self._last_s, **self._trace.state()}

    def restore(
        self, learnt: Mapping[str, tuple[str, State]], upto: int, offset_ms: int, dated: bool = True
    ) -> Collection[str]:
        """Go on from what was `learnt` (basis and state by the check's name) up to reading `upto`; returns the names of
        those for which there is nothing of their basis, or nothing that makes sense: they need the stored readings.
        So do all that do not outlast a time of unknown length, where it is not `dated`.
        """
        self.offset_ms, self._known_upto = offset_ms, upto
        learners = [name for name, check in self.checks.items() if check.remembers]
        known = [
            name
            for name in learners
            if (dated or self.checks[name].outlasts)
            and _is_restored(self.checks[name], self.checks[name].basis, learnt.get(name))
        ]
        self._learn_on = [self.checks[name].learn for name in known]
        self._longest_memory_first = self._to_learn_again(known)
        unknown = [name for name in learners if name not in known]
        last_s = learnt[_TRACE][1].get("last_s") if _TRACE in learnt and dated else None
        if not isinstance(last_s, float) or not _is_restored(self._trace, "", learnt[_TRACE]):
            return [*unknown, _TRACE]
        self._last_s = last_s
        return unknown

    def forget_newest(self) -> None:
        """What others see of this sensor comes from the stored readings, as they learn from those."""
        self._last_s = -inf
        self._trace.clear()


def _is_restored(learner: Learner, basis: str, learnt: tuple[str, State] | None) -> bool:
    if learnt is None or learnt[0] != basis:
        return False
    try:
        learner.restore(learnt[1])
    except (KeyError, TypeError, ValueError):
        return False  # whoever asked is told, and has the stored readings
    return True


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
        probe: dict[Quantity, Trace] = {}
        for other, trace in traces.items():
            if other.tank == sensor.tank and other is not sensor:
                others[other.quantity].append(trace)
            if other.tank == sensor.tank and other.probe == sensor.probe != DERIVED:
                probe.setdefault(other.quantity, trace)
        surroundings = Surroundings(sensor.quantity, period_s, others, probe)
        checks[sensor] = SensorChecks(limits[sensor], surroundings, traces[sensor])
    return checks
