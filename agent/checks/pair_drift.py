"""Pair drift: two probes of one quantity in one tank that slowly part. Alone, neither can be told from its water.

A two-sided CUSUM (Page 1954) over the hourly means of their difference. The first day tells what the two usually differ
by, how that depends on the value (two good pH electrodes have between 95 and 105 % of the slope), and how much it
varies; from then on every hour adds what it is off by, less one standard deviation, and seven deviations are a drift.

One of the two drifts, and which one is told by a standard alone, so both readings stay usable. A step in the difference
is no drift: a probe was cleaned, calibrated or moved, and the pair is learnt anew. So it is when a drift was told for a
week and nobody minded; and after a restart, from the stored day: a drift that goes on is found again.
"""

from dataclasses import dataclass
from statistics import fmean, median, stdev

from agent.checks.check import GOOD, NOT_EVALUATED, Comparison, Point, Surroundings
from agent.domain.quality import UNUSUAL_WATER
from agent.domain.reading import Flag, Verdict

_HOUR_S = 3600.0
_LEARNING_HOURS = 24
_FEW_DIFFERENCES = 3
_FRESH_S = 300.0  # the partner may be polled less often
_SLOPES_DIFFER_BY = 0.05
_SLACK, _DRIFT, _STEP = 1.0, 7.0, 5.0  # deviations; ours: no false alarm in the 240 sensor-days of the bench
_TOLD_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Limits:
    """`least`: by how much hourly means of two good probes differ now and then, as a standard deviation in canonical
    units; `least_share`: as a share of the value. Whichever is more: a pair that agrees better is not believed.
    """

    least: float = 0.0
    least_share: float = 0.0

    def __post_init__(self) -> None:
        if not (self.least >= 0 and 0 <= self.least_share < 1 and self.least + self.least_share > 0):
            raise ValueError("needs least >= 0 and 0 <= least_share < 1, and not both 0")


class PairDrift(Comparison):
    """Of this sensor and the first other one of its quantity in the tank. NOT_EVALUATED while the pair is learnt."""

    remembers = True
    outlasts = True
    learnt = (
        "_hour", "_values", "_differences", "_count", "_learnt", "_middle", "_usual", "_slope", "_deviation", "_before",
        "_up", "_down", "_told_hours", "_because",
    )  # fmt: skip
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings, surroundings.twin)
        self._fresh_s = max(_FRESH_S, 2 * surroundings.period_s)
        self._hour = 0.0
        self._values, self._differences, self._count = 0.0, 0.0, 0
        self._begin()

    def _begin(self) -> None:
        self._learnt: list[tuple[float, float]] = []  # value and difference, an hour each
        self._middle = self._usual = self._slope = self._deviation = 0.0
        self._before = 0.0
        self._up = self._down = 0.0
        self._told_hours = 0
        self._because = ""

    @property
    def memory_s(self) -> float:
        return (_LEARNING_HOURS + 1) * _HOUR_S

    def judge(self, point: Point) -> Verdict:
        if len(self._learnt) < _LEARNING_HOURS:
            return NOT_EVALUATED
        return Verdict(Flag.SUSPECT, self._because, UNUSUAL_WATER) if self._because else GOOD

    def learn(self, at_s: float, value: float, quality: float) -> None:
        hour = at_s // _HOUR_S
        if hour != self._hour:
            if self._count >= _FEW_DIFFERENCES:
                self._take_in(self._values / self._count, self._differences / self._count)
            self._hour = hour
            self._values, self._differences, self._count = 0.0, 0.0, 0
        other = self._other
        if other is not None and other.newest is not None and at_s - other.newest[0] <= self._fresh_s:
            self._values += value
            self._differences += value - other.newest[1]
            self._count += 1

    def _take_in(self, value: float, difference: float) -> None:
        """The means of one hour."""
        if len(self._learnt) < _LEARNING_HOURS:
            self._learnt.append((value, difference))
            if len(self._learnt) == _LEARNING_HOURS:
                self._know()
            return
        off = difference - self._usual - self._slope * (value - self._middle)
        if abs(off - self._before) > _STEP * self._deviation or self._told_hours > _TOLD_HOURS:
            self._begin()
            return
        self._before = off
        # not more than twice the limit, so that a pair that agrees again is good within hours
        self._up = min(max(0.0, self._up + off / self._deviation - _SLACK), 2 * _DRIFT)
        self._down = min(max(0.0, self._down - off / self._deviation - _SLACK), 2 * _DRIFT)
        drifts = max(self._up, self._down) > _DRIFT
        self._told_hours = self._told_hours + 1 if drifts else 0
        self._because = self._drift(off) if drifts else ""

    def _know(self) -> None:
        """The line through a day's hours; flat if the value hardly moved."""
        values, differences = zip(*self._learnt, strict=True)
        self._middle, middle = fmean(values), fmean(differences)
        least = max(self.limits.least, self.limits.least_share * abs(self._middle))
        moved = sum((value - self._middle) ** 2 for value in values)
        together = sum((value - self._middle) * (difference - middle) for value, difference in self._learnt)
        self._slope = together / (moved + (least / _SLOPES_DIFFER_BY) ** 2)
        rest = [difference - self._slope * (value - self._middle) for value, difference in self._learnt]
        self._usual = median(rest)
        self._deviation = max(stdev(rest), least)
        self._before = rest[-1] - self._usual

    def _drift(self, off: float) -> str:
        name = self._other.name if self._other else ""
        return f"parts from {name}: {off:+.2g} from what the two usually differ by; check both in a standard"
