"""Attenuated signal (QARTOD test 10): a probe that varies less than living water does is fouled or fading.

The least variation belongs to a site: a pond swings every day, a tank that is kept warm does not. So there are no
limits by default. (The pH manual's example warns below 0.1 and fails below 0.2, which can never warn: it is refused.)

Differences from ioos_qc 3.0.0, on purpose. Nothing is said before half the window is known (there the first value
alone, which cannot vary, fails), unless `least_span_s` and `least_readings` say otherwise. A missing value is left out,
by either measure (there a range with a hole in it is not evaluated). The sums of the window are merged, not rolled, so
a deviation within a rounding error of a limit may fall on its other side.
"""

from dataclasses import dataclass
from typing import Literal

from agent.checks.baseline import Baseline
from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.domain.quality import DEAD_PROBE, DOUBTFUL_PROBE
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Below `suspect` it is 3, below `fail` 4: the population standard deviation, or greatest minus least, of the last
    `window_s` seconds (12 hours in the pH manual), in canonical units.
    """

    suspect: float
    fail: float = 0.0
    measure: Literal["deviation", "range"] = "deviation"
    window_s: float = 43_200.0
    least_span_s: float | None = None
    least_readings: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.fail <= self.suspect:
            raise ValueError("needs 0 <= fail <= suspect")
        if not (self.window_s > 0 and self.least_readings >= 1 and 0 <= (self.least_span_s or 0) < self.window_s):
            raise ValueError("needs window_s > 0, least_readings >= 1 and 0 <= least_span_s < window_s")


class AttenuatedSignal(Check):
    """NOT_EVALUATED until enough of the window is known."""

    remembers = True
    learnt = ("_window",)
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._window = Baseline(limits.window_s)
        self._least_span_s = limits.window_s / 2 if limits.least_span_s is None else limits.least_span_s

    @property
    def memory_s(self) -> float:
        return self._window.memory_s

    def judge(self, point: Point) -> Verdict:
        limits, window = self.limits, self._window
        if window.span_s(point.at_s) < self._least_span_s:
            return NOT_EVALUATED
        known = window.statistics(point.at_s).with_value(point.value)
        if known.readings < limits.least_readings:
            return NOT_EVALUATED
        varies = known.deviation if limits.measure == "deviation" else known.greatest - known.least
        if varies >= limits.suspect:
            return GOOD
        because = f"varied by only {varies:.3g} ({limits.measure}) in {limits.window_s / 3600:g} h"
        if varies < limits.fail:
            return Verdict(Flag.FAIL, because, DEAD_PROBE)
        return Verdict(Flag.SUSPECT, because, DOUBTFUL_PROBE)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        self._window.add(at_s, value)
