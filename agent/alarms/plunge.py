"""A fall so steep and so straight that nobody has to wait three minutes to be sure of it.

A line through the values of the last 45 seconds (least squares), believed only where the fall along it is many times
what any value is off it. Noise, a spike, a bubble and the last digit of a probe at rest all leave the line by more.
"""

from collections import deque
from statistics import linear_regression
from typing import Final

from agent.alarms.trend import Fit

_WINDOW_S: Final = 45.0
_LEAST_POINTS, _LEAST_SPAN_S = 9, 30.0  # of fewer, pure noise makes a straight line now and then
_TIMES: Final = 8.0  # ours: `python -m tests.bench.early_warning` runs it over days with probes of any noise


class Plunge:
    """A probe that is read too seldom for nine values in 45 seconds never has one."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()

    def add(self, at_s: float, value: float) -> None:
        """Values that come late, or twice, are left out."""
        points = self._points
        if points and at_s <= points[-1][0]:
            return
        points.append((at_s, value))
        while points[0][0] < at_s - _WINDOW_S:
            points.popleft()

    def fit(self, least: float) -> Fit | None:
        """The line, if it falls by `least` or more and can be believed."""
        points = self._points
        if len(points) < _LEAST_POINTS or points[0][1] - points[-1][1] < least:
            return None
        began_s, at_s = points[0][0], points[-1][0]
        if at_s - began_s < _LEAST_SPAN_S:
            return None
        slope, value = linear_regression([then - at_s for then, _ in points], [value for _, value in points])
        off = max(abs(there - value - slope * (then - at_s)) for then, there in points)
        fall = -slope * (at_s - began_s)
        return Fit(at_s, value, slope) if fall >= max(least, _TIMES * off) else None
