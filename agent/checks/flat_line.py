"""Flat line (QARTOD test 8): a probe that says the same for too long has stopped measuring.

The window is in time, not in points: a faster poll does not shorten it. But a slow one must repeat itself as often as
the manual asks for (REP_CNT_SUSPECT 3, REP_CNT_FAIL 5): of a probe that rounds to 0.01, asked every quarter of an hour,
three equal values are no rarity. The run is the longest stretch up to now in
which no two values are `tolerance` apart (with 0: in which all are equal). After a silence longer than
`suspect_after_s` it begins anew, since nobody saw the probe stand still.

Differences from ioos_qc 3.0.0, on purpose. With tolerance 0 equal values are a flat line (there no comparison can come
true). A silence is no standing still (there the window is a number of points, and runs over a gap). One value is no
line: not when the poll is slower than the limits, not when all others of the window are missing (there both are
flagged). A short series is judged like any other (there all of it is good, missing values too), and so is one that is
polled more than once a second (there an error). The manual's formula lacks the abs().
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from agent.checks.check import GOOD, Check, Point, Surroundings
from agent.domain.quality import DEAD_PROBE, DOUBTFUL_PROBE
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """`tolerance` in canonical units; suspect after `suspect_after_s`, fail after `fail_after_s` seconds, and after so
    many repeats.
    """

    suspect_after_s: float
    fail_after_s: float
    tolerance: float = 0.0
    suspect_repeats: int = 3
    fail_repeats: int = 5

    def __post_init__(self) -> None:
        if not (0 < self.suspect_after_s <= self.fail_after_s and self.tolerance >= 0):
            raise ValueError("needs 0 < suspect_after_s <= fail_after_s and tolerance >= 0")
        if not 0 < self.suspect_repeats <= self.fail_repeats:
            raise ValueError("needs 0 < suspect_repeats <= fail_repeats")


class FlatLine(Check):
    """GOOD for a first value.

    `_highs` are (since, value), falling: the greatest value of the run from `since` on, up to the next entry's; `_lows`
    likewise. A new value ends the run after the last entry that is too far from it.
    """

    remembers = True
    learnt = ("_highs", "_lows", "_times", "_last_s", "_began_s", "_last")
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._highs: deque[tuple[float, float]] = deque()
        self._lows: deque[tuple[float, float]] = deque()
        self._times: deque[float] = deque(maxlen=limits.fail_repeats)
        self._last_s = self._began_s = self._last = 0.0

    @property
    def memory_s(self) -> float:
        return self.limits.fail_after_s + self.limits.suspect_after_s

    def judge(self, point: Point) -> Verdict:
        if point.at_s - self._began_s < self.limits.suspect_after_s:
            return GOOD  # as nearly always: the run before this value is too short for it to be a line
        since_s = self._since(point.at_s, point.value)
        still_s = point.at_s - since_s
        repeats = sum(at_s >= since_s for at_s in self._times)
        if still_s < self.limits.suspect_after_s or repeats < self.limits.suspect_repeats:
            return GOOD
        if still_s >= self.limits.fail_after_s and repeats >= self.limits.fail_repeats:
            because = f"has not moved for {self.limits.fail_after_s / 60:.0f} min or more"
            return Verdict(Flag.FAIL, because, DEAD_PROBE)
        return Verdict(Flag.SUSPECT, f"has not moved for {still_s / 60:.0f} min", DOUBTFUL_PROBE)

    def _since(self, at_s: float, value: float) -> float:
        """When the run began that `value` would continue; `at_s` if it does not."""
        if at_s - self._last_s > self.limits.suspect_after_s:
            return at_s
        return max(self._first_near(self._highs, at_s, value), self._first_near(self._lows, at_s, value))

    def _first_near(self, extremes: Iterable[tuple[float, float]], at_s: float, value: float) -> float:
        tolerance = self.limits.tolerance
        for since_s, extreme in extremes:
            if extreme == value or abs(extreme - value) < tolerance:
                return since_s
        return at_s

    def learn(self, at_s: float, value: float, quality: float) -> None:
        moved = not self.limits.tolerance and value != self._last  # as most values do; the rest then is clear
        since_s = at_s if moved else self._since(at_s, value)
        highs, lows = self._highs, self._lows
        self._times.append(at_s)
        self._last_s, self._last, self._began_s = at_s, value, since_s
        if since_s == at_s:
            highs.clear()
            lows.clear()
            highs.append((at_s, value))
            lows.append((at_s, value))
            return
        high_s = low_s = at_s
        while highs and highs[-1][1] <= value:
            high_s = highs.pop()[0]
        while lows and lows[-1][1] >= value:
            low_s = lows.pop()[0]
        highs.append((max(high_s, since_s), value))
        lows.append((max(low_s, since_s), value))
        _forget_before(highs, since_s)
        _forget_before(lows, since_s)


def _forget_before(extremes: deque[tuple[float, float]], since_s: float) -> None:
    """Let the run begin at `since_s`."""
    while len(extremes) > 1 and extremes[1][0] <= since_s:
        extremes.popleft()
    if extremes[0][0] < since_s:
        extremes[0] = (since_s, extremes[0][1])
