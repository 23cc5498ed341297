"""How fast a sensor's values fall: the median of the slopes between all pairs of points of the last three minutes
(Theil 1950, Sen 1968). A quarter of the points may be wrong without moving it much: neither a spike nor a bubble is a
fall.
"""

from collections import deque
from itertools import combinations
from statistics import fmean, median
from typing import Final, NamedTuple

_WINDOW_S: Final = 180.0
_POINT_S: Final = 15.0
"""A point is the mean of so many seconds; a probe read once a minute gives one each time."""
_LEAST_POINTS, _LEAST_SPAN_S = 4, 120.0
_FRESH_S: Final = 90.0


class Fit(NamedTuple):
    """The value at `at_s` (boot seconds) as the line through the points has it, and its slope in the unit a second."""

    at_s: float
    value: float
    slope: float

    def at(self, at_s: float) -> float:
        return self.value + self.slope * (at_s - self.at_s)


class Trend:
    """`fit` is None until two of the three minutes are known, and again after a hole."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._gathered: list[tuple[float, float]] = []
        self._fit: Fit | None = None

    def add(self, at_s: float, value: float) -> None:
        """Values that come late, or twice, are left out."""
        gathered = self._gathered
        if gathered and at_s <= gathered[-1][0]:
            return
        if gathered and at_s // _POINT_S > gathered[0][0] // _POINT_S:
            self._points.append((fmean(at for at, _ in gathered), fmean(value for _, value in gathered)))
            gathered.clear()
            self._fit = self._fitted()
        gathered.append((at_s, value))

    def fit(self, at_s: float) -> Fit | None:
        """The line as it is known at `at_s`."""
        fit = self._fit
        return fit if fit is not None and at_s - fit.at_s <= _FRESH_S else None

    def _fitted(self) -> Fit | None:
        points = self._points
        at_s = points[-1][0]
        while points[0][0] < at_s - _WINDOW_S:
            points.popleft()
        if len(points) < _LEAST_POINTS or at_s - points[0][0] < _LEAST_SPAN_S:
            return None
        slope = median((b - a) / (then - before) for (before, a), (then, b) in combinations(points, 2))
        return Fit(at_s, median(value - slope * (then - at_s) for then, value in points), slope)
