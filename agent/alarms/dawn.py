"""How little oxygen a pond will have at dawn, told in the evening.

At night all that lives in a pond takes oxygen and nothing makes it, so the least comes at dawn. The logarithm of the
evening's readings goes on in a straight line until sunrise: of the ways to extrapolate that Madenjian, Rogers and Fast
compared in prawn ponds the best (Aquacultural Engineering 6, 1987, 191-208); they took readings three hours apart.
Here it is the line through all of the last three hours, anew every ten minutes, so that it follows wind and aerators.

Nothing is said before two hours of the night are known, again after a restart, and while the wall clock cannot be
believed, since then nobody knows when the sun rises.
"""

from collections import deque
from math import exp, log
from statistics import fmean, linear_regression
from typing import Final, NamedTuple

from agent.domain.alarm import Alarm
from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading, valid_value
from agent.domain.sun import SUNRISE, elevation, sunrise_after

_POINT_S: Final = 600.0
_POINTS: Final = 18  # three hours
_LEAST_SPAN_S: Final = 2 * 3600.0
_LEAST_VALUE: Final = 0.01  # mg/L or %: there is no logarithm of nothing


class Forecast(NamedTuple):
    """`now` as the line has it, falling by `per_hour` of itself, and what it will be at sunrise, in `hours`."""

    now: float
    per_hour: float
    hours: float

    @property
    def at_dawn(self) -> float:
        return self.now * exp(-self.per_hour * self.hours)

    def hours_to(self, limit: float) -> float:
        return log(self.now / limit) / self.per_hour


class Dawn:
    """The raw condition of a dawn minimum, as `condition.Condition` is of a limit; `because` and `forecast` are what it
    foresaw last.
    """

    def __init__(self, alarm: Alarm) -> None:
        if not isinstance(alarm.source, Sensor) or alarm.place is None:
            raise TypeError(f"{alarm}: needs a sensor, and a place where the sun rises")
        self.because: str | None = None
        self.forecast: Forecast | None = None
        self._alarm = alarm
        self._place = alarm.place
        self._unit = alarm.source.quantity.unit
        self._points: deque[tuple[float, float]] = deque(maxlen=_POINTS)
        self._gathered: list[tuple[float, float]] = []
        self._is_day = False

    def turns(self, checked: CheckedReading, active: bool, temperature: float | None = None) -> bool | None:
        """Whether this reading speaks for the other state than `active`; None: it says nothing. `temperature` is the
        water's, in °C.
        """
        value, at = valid_value(checked), checked.reading.at
        if value is None or not at.trusted:
            return None
        self._add(at, max(value, _LEAST_VALUE))
        if self._is_day:
            return active  # what was foreseen has come, or has not: the limits watch
        return None if self.forecast is None else self._judge(self.forecast, active, temperature)

    def _judge(self, forecast: Forecast, active: bool, temperature: float | None) -> bool:
        limit = max(self._alarm.limit_at(temperature) or 0.0, _LEAST_VALUE)
        if active:
            return forecast.at_dawn >= limit + self._alarm.deadband
        if forecast.now <= limit or forecast.at_dawn >= limit:
            return False
        self.because = (
            f"will be {limit:g} {self._unit} in {forecast.hours_to(limit):.1f} h, and {forecast.at_dawn:.1f} "
            f"{self._unit} at sunrise in {forecast.hours:.1f} h"
        )
        return True

    def _add(self, at: Instant, value: float) -> None:
        """Values that come late, or twice, are left out."""
        gathered = self._gathered
        if gathered and at.boot_s <= gathered[-1][0]:
            return
        if gathered and at.boot_s - gathered[-1][0] > _LEAST_SPAN_S:  # a line does not go on over so long a hole
            gathered.clear()
            self._points.clear()
            self.forecast = None
        if gathered and at.boot_s // _POINT_S > gathered[0][0] // _POINT_S:
            point = fmean(at_s for at_s, _ in gathered), log(fmean(value for _, value in gathered))
            gathered.clear()
            self._is_day = elevation(self._place, at.utc_us / 1e6) > SUNRISE
            if self._is_day:
                self._points.clear()
                self.forecast = None
            else:
                self._points.append(point)
                self.forecast = self._foreseen(at)
        gathered.append((at.boot_s, value))

    def _foreseen(self, at: Instant) -> Forecast | None:
        points, sunrise_s = self._points, sunrise_after(self._place, at.utc_us / 1e6)
        if sunrise_s is None or points[-1][0] - points[0][0] < _LEAST_SPAN_S:
            return None
        slope, now = linear_regression([at_s - at.boot_s for at_s, _ in points], [level for _, level in points])
        return Forecast(exp(now), max(0.0, -3600 * slope), (sunrise_s - at.utc_us / 1e6) / 3600)
