"""The specification's anomaly: further than three standard deviations from the mean of the last 24 hours.

Over readings with quality of at least 0.7. An anomaly says that the water is unusual, not that the probe is wrong:
the reading stays usable, so a lasting change of level is learnt instead of being flagged for ever.
"""

from dataclasses import dataclass

from agent.checks.history import History
from agent.domain.reading import Flag, Verdict

_GOOD = Verdict("z_score", Flag.GOOD)
_NOT_EVALUATED = Verdict("z_score", Flag.NOT_EVALUATED)


@dataclass(frozen=True, slots=True)
class Limits:
    """`threshold` in standard deviations; judged once the baseline spans `least_span_s` and `least_readings`."""

    threshold: float = 3.0
    window_s: float = 86_400.0
    least_span_s: float = 6 * 3600.0
    least_readings: int = 20

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and 0 < self.least_span_s <= self.window_s and self.least_readings >= 2):
            raise ValueError("needs threshold > 0, 0 < least_span_s <= window_s and least_readings >= 2")


def judge(value: float, at_s: float, history: History, limits: Limits) -> Verdict:
    """NOT_EVALUATED until the baseline is long enough, and for a baseline that never moved."""
    if history.baseline.span_s(at_s) < limits.least_span_s:
        return _NOT_EVALUATED
    count, mean, deviation = history.baseline.statistics(at_s)
    if count < limits.least_readings or deviation == 0.0:
        return _NOT_EVALUATED
    z = (value - mean) / deviation
    if abs(z) <= limits.threshold:
        return _GOOD
    because = f"is {abs(z):.1f} standard deviations {'above' if z > 0 else 'below'} the last day's mean of {mean:.4g}"
    return Verdict("z_score", Flag.SUSPECT, because, 0.75)
