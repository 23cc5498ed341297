"""Spike (QARTOD test 6), judged on the newest point at once.

The manual waits for the next point and compares the middle one with its neighbours. An alarm cannot wait, so the
newest value is compared with the median of the last three: a lone spike is flagged when it arrives, the good value
after it is not, and after a true step the median follows within two readings.
"""

from collections import deque
from dataclasses import dataclass

from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.domain.quality import DOUBTFUL_PROBE, WRONG_PROBE
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Distance from the median of the last three values, in canonical units: above `suspect` 3, above `fail` 4.
    What was measured more than `longest_s` seconds ago is no neighbour.
    """

    suspect: float
    fail: float
    longest_s: float = 3600.0

    def __post_init__(self) -> None:
        if not 0 < self.suspect <= self.fail:
            raise ValueError(f"needs 0 < suspect <= fail, got suspect {self.suspect:g} and fail {self.fail:g}")
        if not self.longest_s > 0:
            raise ValueError("needs longest_s > 0")


class Spike(Check):
    """NOT_EVALUATED until three values are known."""

    remembers = True
    learnt = ("_points",)
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._points: deque[tuple[float, float]] = deque(maxlen=3)

    @property
    def memory_s(self) -> float:
        return self.limits.longest_s

    def judge(self, point: Point) -> Verdict:
        if len(self._points) < 3:
            return NOT_EVALUATED
        (oldest_s, a), (_, b), (_, c) = self._points
        if point.at_s - oldest_s > self.limits.longest_s:
            return NOT_EVALUATED
        _, median, _ = sorted((a, b, c))
        distance = abs(point.value - median)
        if distance <= self.limits.suspect:
            return GOOD
        because = f"jumped {distance:.3g} away from {median:.4g} in one reading"
        if distance > self.limits.fail:
            return Verdict(Flag.FAIL, because, WRONG_PROBE)
        return Verdict(Flag.SUSPECT, because, DOUBTFUL_PROBE)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        self._points.append((at_s, value))
