"""Spike (QARTOD test 6) as the manual has it: once its successor is known, a value is held against both neighbours.

The verdict is therefore on the reading before: this reading carries it in its tests, and its own flag and quality do
not know of it. What has been stored is never changed. `spike` is the one that judges a value at once.

`average`: the distance of the value from the mean of its neighbours. `differential`: the smaller of its distances from
them, where it lies above both or below both. Above `suspect` it is 3, above `fail` it is 4; equality passes (the pH
manual leaves that open, those on wind and gliders have it so). A neighbour that is missing, or was measured more than
`apart_s` before, is none: not evaluated, as are the ends of a series.
"""

from dataclasses import dataclass
from typing import Literal

from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.domain.reading import Flag, Verdict

_SUSPECT = Verdict(Flag.SUSPECT)
_FAIL = Verdict(Flag.FAIL)


@dataclass(frozen=True, slots=True)
class Limits:
    """In canonical units; either may be left out. `apart_s`: one and a half polls unless it is given."""

    suspect: float | None = None
    fail: float | None = None
    method: Literal["average", "differential"] = "average"
    apart_s: float | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.suspect, self.fail) if limit is not None]
        if not given or given != sorted(given) or not given[0] > 0:
            raise ValueError("needs 0 < suspect <= fail, or one of them")
        if self.apart_s is not None and not self.apart_s > 0:
            raise ValueError("needs apart_s > 0")


class PreviousSpike(Check):
    """NOT_EVALUATED unless the last two values and this one follow each other."""

    remembers = True
    learnt = ("_before", "_last")
    only_noted = True  # it is on the reading before
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._apart_s = limits.apart_s or 1.5 * surroundings.period_s
        self._before: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    @property
    def memory_s(self) -> float:
        return 2 * self._apart_s

    def judge(self, point: Point) -> Verdict:
        if self._before is None or self._last is None:
            return NOT_EVALUATED
        (before_s, before), (last_s, last) = self._before, self._last
        if last_s - before_s > self._apart_s or point.at_s - last_s > self._apart_s:
            return NOT_EVALUATED
        if self.limits.method == "average":
            distance = abs(last - (before + point.value) / 2)
        else:
            rise, fall = last - before, point.value - last
            distance = min(abs(rise), abs(fall)) if rise * fall < 0 else 0.0
        if self.limits.fail is not None and distance > self.limits.fail:
            return _FAIL
        if self.limits.suspect is not None and distance > self.limits.suspect:
            return _SUSPECT
        return GOOD

    def missing(self, garbled: bool) -> Flag:
        return Flag.NOT_EVALUATED

    def learn(self, at_s: float, value: float, quality: float) -> None:
        self._before, self._last = self._last, (at_s, value)
