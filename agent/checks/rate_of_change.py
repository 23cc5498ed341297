"""Rate of change (QARTOD test 7), as a fixed rate per minute of boot time; it never fails a reading.

Fast water is often true water (a failed aerator), so a suspect rate leaves the reading usable for statistics and
never keeps an alarm from seeing the value.
"""

from dataclasses import dataclass

from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.domain.quality import UNUSUAL_WATER
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest believable change in canonical units per minute. Over more than `longest_s` seconds without a value
    nothing can be said.
    """

    per_minute: float
    longest_s: float = 3600.0

    def __post_init__(self) -> None:
        if not (self.per_minute > 0 and self.longest_s > 0):
            raise ValueError("needs per_minute > 0 and longest_s > 0")


class RateOfChange(Check):
    """NOT_EVALUATED for the first value and after a long silence."""

    remembers = True
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._before: tuple[float, float] | None = None

    @property
    def memory_s(self) -> float:
        return self.limits.longest_s

    def judge(self, point: Point) -> Verdict:
        if self._before is None:
            return NOT_EVALUATED
        before_s, before = self._before
        elapsed_s = point.at_s - before_s
        if elapsed_s > self.limits.longest_s:
            return NOT_EVALUATED
        per_minute = (point.value - before) * 60.0 / elapsed_s
        if abs(per_minute) <= self.limits.per_minute:
            return GOOD
        because = f"changed by {per_minute:+.3g} a minute, believable are {self.limits.per_minute:g}"
        return Verdict(Flag.SUSPECT, because, UNUSUAL_WATER)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        self._before = (at_s, value)
