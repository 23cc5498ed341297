"""Spike (QARTOD test 6), judged on the newest point at once.

The manual waits for the next point and compares the middle one with its neighbours. An alarm cannot wait, so the
newest value is compared with the median of the last three: a lone spike is flagged when it arrives, the good value
after it is not, and after a true step the median follows within two readings.
"""

from dataclasses import dataclass

from agent.checks.history import History
from agent.domain.reading import Flag, Verdict

_GOOD = Verdict("spike", Flag.GOOD)
_NOT_EVALUATED = Verdict("spike", Flag.NOT_EVALUATED)


@dataclass(frozen=True, slots=True)
class Limits:
    """Distance from the median of the last three values, in canonical units: above `suspect` 3, above `fail` 4."""

    suspect: float
    fail: float

    def __post_init__(self) -> None:
        if not 0 < self.suspect <= self.fail:
            raise ValueError(f"needs 0 < suspect <= fail, got suspect {self.suspect:g} and fail {self.fail:g}")


def judge(value: float, at_s: float, history: History, limits: Limits) -> Verdict:
    """NOT_EVALUATED until three values are known."""
    points = history.points
    if len(points) < 3:
        return _NOT_EVALUATED
    (_, a), (_, b), (_, c) = points
    median = max(min(a, b), min(max(a, b), c))
    distance = abs(value - median)
    if distance <= limits.suspect:
        return _GOOD
    because = f"jumped {distance:.3g} away from {median:.4g} in one reading"
    if distance > limits.fail:
        return Verdict("spike", Flag.FAIL, because, 0.2)
    return Verdict("spike", Flag.SUSPECT, because, 0.5)
