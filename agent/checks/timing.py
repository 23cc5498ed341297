"""Timing and gap (QARTOD test 1): whether a reading comes when it should; by boot clock, so that no step of the wall
clock is a gap.

A hole says nothing of the value that ends it, so it only raises a finger by default; that nothing comes at all is an
alarm of its own. A value that comes late or twice is SUSPECT whatever the limits (ioos_qc 3.0.0 passes a step back): it
is out of step with the windows of every other check. The first value has no gap before it and is GOOD (there it takes
the flag of the second, for which nobody can wait, and a series of one is an error).
"""

from dataclasses import dataclass

from agent.checks.check import GOOD, Check, Point, Surroundings
from agent.domain.quality import OUT_OF_STEP
from agent.domain.reading import Flag, Verdict

_DAY_S = 86_400.0
"""A hole that began longer before a start of the gateway is not seen: nothing is known before it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Suspect after more than `suspect_after_s` seconds without a value, fail after more than `fail_after_s`; either
    may be left out.
    """

    suspect_after_s: float | None = None
    fail_after_s: float | None = None

    def __post_init__(self) -> None:
        if not all(after_s is None or after_s > 0 for after_s in (self.suspect_after_s, self.fail_after_s)):
            raise ValueError("needs suspect_after_s > 0 and fail_after_s > 0")


class Timing(Check):
    """GOOD, SUSPECT or FAIL by the time since the last value."""

    remembers = True
    learnt = ("_last_s",)
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._last_s: float | None = None

    @property
    def memory_s(self) -> float:
        return _DAY_S

    def judge(self, point: Point) -> Verdict:
        if self._last_s is None:
            return GOOD
        gap_s, limits = point.at_s - self._last_s, self.limits
        if limits.fail_after_s is not None and gap_s > limits.fail_after_s:
            return Verdict(Flag.FAIL, f"nothing for {gap_s / 60:.0f} min before it", OUT_OF_STEP)
        if limits.suspect_after_s is not None and gap_s > limits.suspect_after_s:
            return Verdict(Flag.SUSPECT, f"nothing for {gap_s / 60:.0f} min before it", OUT_OF_STEP)
        return GOOD

    def judge_late(self, point: Point) -> Verdict:
        return Verdict(Flag.SUSPECT, "comes after a later value of the same sensor, or twice", OUT_OF_STEP)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        self._last_s = at_s
