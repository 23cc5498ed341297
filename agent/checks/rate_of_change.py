"""Rate of change (QARTOD test 7), as a fixed rate per minute of boot time.

Fast water is often true water (a failed aerator), so a suspect rate leaves the reading usable for statistics and
never keeps an alarm from seeing the value. As in the manual nothing fails, unless a failing rate is given. The change
is that over the last minute, or since the last value where the poll is slower: within a second even a probe's last
digit would be a fast change.

The manual's limit is three standard deviations, of the series (pH) or of its differences (wind); here it is in the
water's own units: a calm day would make a limit of noise. Differences from ioos_qc 3.0.0, on purpose. Time is not cut
to whole seconds, which would overstate the rates of a fast poll. A missing value is stepped over. Over equal or
backward times there is no rate: `SensorChecks` lets no such value come here. A first value is good, as there, and so is
one after a long silence: there is nothing against it.
"""

from collections import deque
from dataclasses import dataclass

from agent.checks.check import GOOD, Check, Point, Surroundings
from agent.domain.quality import UNUSUAL_WATER, USABLE, WRONG_PROBE
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest believable change in canonical units per minute, and the one that fails (if any); over at least `over_s`
    seconds. Over more than `longest_s` without a usable value nothing can be said.
    """

    per_minute: float
    longest_s: float = 3600.0
    fail_per_minute: float | None = None
    over_s: float = 60.0

    def __post_init__(self) -> None:
        if not (self.per_minute > 0 and self.longest_s > 0 and 0 <= self.over_s <= self.longest_s):
            raise ValueError("needs per_minute > 0, longest_s > 0 and 0 <= over_s <= longest_s")
        if self.fail_per_minute is not None and not self.fail_per_minute >= self.per_minute:
            raise ValueError("needs fail_per_minute >= per_minute")


class RateOfChange(Check):
    """GOOD for the values of the first minute and after a long silence."""

    remembers = True
    learnt = ("_points",)
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._points: deque[tuple[float, float]] = deque()

    @property
    def memory_s(self) -> float:
        return self.limits.longest_s + self.limits.over_s

    def judge(self, point: Point) -> Verdict:
        before = None
        for known in self._points:
            if point.at_s - known[0] < self.limits.over_s:
                break
            before = known
        if before is None or point.at_s - before[0] > self.limits.longest_s:
            return GOOD
        per_minute = (point.value - before[1]) / (point.at_s - before[0]) * 60.0
        if abs(per_minute) <= self.limits.per_minute:
            return GOOD
        because = f"changed by {per_minute:+.3g} a minute, believable are {self.limits.per_minute:g}"
        if self.limits.fail_per_minute is not None and abs(per_minute) > self.limits.fail_per_minute:
            return Verdict(Flag.FAIL, because, WRONG_PROBE)
        return Verdict(Flag.SUSPECT, because, UNUSUAL_WATER)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        if quality < USABLE:
            return
        points, enough_s = self._points, at_s - self.limits.over_s
        points.append((at_s, value))
        while len(points) > 1 and points[1][0] <= enough_s:
            points.popleft()
