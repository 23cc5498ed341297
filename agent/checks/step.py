"""A step that another sensor does not see: what QARTOD's multi-variate and neighbour tests (9 and 11) have in common.

A step is a change within `within_s` seconds that stands in the newest two values; a lone spike is none. When it came
between two of our own polls, the other sensor may not have been asked since: until it has, nothing is evaluated. If it
then turns out to have stood still, our own probe is in doubt, and not the other one.

The manual measures both changes by N times the standard deviation of 25 hours. Here they are in canonical units: a day
with one real event in it would hide every step of the next, and a calm day make a step of noise. Values that were not
usable (of a step in doubt, above all) are not learnt, so that what lasts is believed once `within_s` have passed.
"""

from collections import deque
from typing import Any, Protocol

from agent.checks.check import GOOD, NOT_EVALUATED, Comparison, Point, Surroundings
from agent.checks.trace import Trace
from agent.domain.quality import DOUBTFUL_PROBE, USABLE
from agent.domain.reading import Flag, Verdict

_APART_S = 10.0
MOST_WITHIN_S = 1800.0
"""So far back goes a trace."""


class StepLimits(Protocol):
    """`step` of our own and `other_step` of the other sensor, each in its canonical unit, within `within_s` seconds."""

    @property
    def step(self) -> float: ...

    @property
    def other_step(self) -> float: ...

    @property
    def within_s(self) -> float: ...


class UnseenStep(Comparison):
    """SUSPECT while a step stands that `other` has not seen."""

    remembers = True
    learnt = ("_points", "_newest")
    limits: StepLimits

    def __init__(self, limits: Any, surroundings: Surroundings, other: Trace | None) -> None:
        super().__init__(limits, surroundings, other)
        self._points: deque[tuple[float, float]] = deque()
        self._newest: tuple[float, float] | None = None

    @property
    def memory_s(self) -> float:
        return self.limits.within_s + 3600.0

    def judge(self, point: Point) -> Verdict:
        oldest_s = point.at_s - self.limits.within_s
        for then in self._points:
            if then[0] >= oldest_s:
                break
        else:
            return NOT_EVALUATED
        change = point.value - then[1]
        if abs(change) <= self.limits.step:
            return GOOD
        if self._newest is None or self._other is None:
            return NOT_EVALUATED
        newest_s, newest = self._newest
        theirs = self._other.change(then[0], newest_s)
        if theirs is None or abs(newest - then[1]) <= self.limits.step:
            return NOT_EVALUATED
        if abs(theirs) > self.limits.other_step:
            return GOOD
        because = (
            f"changed by {change:+.3g} in {(point.at_s - then[0]) / 60:.0f} min while {self._other.name} stood still"
        )
        return Verdict(Flag.SUSPECT, because, DOUBTFUL_PROBE)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        points = self._points
        while points and points[0][0] < at_s - self.limits.within_s:
            points.popleft()
        if quality >= USABLE and (not points or at_s // _APART_S > points[-1][0] // _APART_S):
            points.append((at_s, value))
        self._newest = (at_s, value)
