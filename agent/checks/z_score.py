"""The specification's anomaly: further than three standard deviations from the mean of the last 24 hours.

Over readings with quality of at least 0.7. It stands among the reading's tests, where scores and queries find it, and
counts for neither its flag nor its quality: water is not normally distributed, so on good water it is wrong far more
often than right (`make bench-anomalies`), and a flag that cries wolf is one that nobody looks at. `anomaly` counts.
"""

from dataclasses import dataclass
from math import sqrt

from agent.checks.baseline import Baseline
from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.domain.quality import UNUSUAL_WATER, USABLE
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """`threshold` in standard deviations; judged once the baseline spans `least_span_s` and `least_readings`."""

    threshold: float = 3.0
    window_s: float = 86_400.0
    least_span_s: float = 6 * 3600.0
    least_readings: int = 20

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and 0 < self.least_span_s < self.window_s and self.least_readings >= 2):
            raise ValueError("needs threshold > 0, 0 < least_span_s < window_s and least_readings >= 2")


class ZScore(Check):
    """NOT_EVALUATED until the baseline is long enough, and for a baseline that never moved."""

    remembers = True
    only_noted = True
    learnt = ("_baseline",)
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._baseline = Baseline(limits.window_s)

    @property
    def memory_s(self) -> float:
        return self._baseline.memory_s

    def judge(self, point: Point) -> Verdict:
        baseline, limits = self._baseline, self.limits
        if baseline.span_s(point.at_s) < limits.least_span_s:
            return NOT_EVALUATED
        usual = baseline.statistics(point.at_s)
        deviation = usual.deviation
        if usual.readings < limits.least_readings or deviation == 0.0:
            return NOT_EVALUATED
        # the specification's STDDEV is of a sample
        z = (point.value - usual.mean) / (deviation * sqrt(usual.readings / (usual.readings - 1)))
        if abs(z) <= limits.threshold:
            return GOOD
        side = "above" if z > 0 else "below"
        because = f"is {abs(z):.1f} standard deviations {side} the last day's mean of {usual.mean:.4g}"
        return Verdict(Flag.SUSPECT, because, UNUSUAL_WATER)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        if quality >= USABLE:
            self._baseline.add(at_s, value)
