"""Alarms before the limit: the value falls fast, or it will reach the limit soon.

Neither says anything without a trend: after a start, in a hole, while no value is valid. The forecast goes on in a
straight line. Below saturation that is on the safe side: the surface takes up more oxygen the less there is. Above,
part of the fall is gas that leaves the water, and ends at saturation; there the rate of fall alone is watched.
"""

import math
from typing import Final

from agent.alarms.plunge import Plunge
from agent.alarms.trend import Fit, Trend
from agent.domain.alarm import Alarm, AlarmKind
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, valid_value
from agent.domain.water import oxygen_saturation

_NOISE_S: Final = 600.0
"""A fall that would not cross the deadband in this time is noise (ours)."""
_SURE_S: Final = 180.0
"""What was seen in a plunge stands until the trend, which needs three minutes, can say that it has ended."""
_PLUNGE_MIN: Final = 1.0
"""A plunge falls by what its alarm's limit allows in so many minutes, or by the deadband of a forecast (ours)."""


class Falling:
    """The raw condition of a rate of fall or a forecast, as `condition.Condition` is of a limit; `because` says in
    words what it saw last.
    """

    def __init__(self, alarm: Alarm) -> None:
        if not isinstance(alarm.source, Sensor):
            raise TypeError(f"{alarm}: only what a sensor measures can fall")
        self.because: str | None = None
        self._alarm = alarm
        self._quantity = alarm.source.quantity
        self._trend = Trend()
        self._plunge = Plunge()
        self._plunged_s = -math.inf
        forecast = alarm.kind is AlarmKind.FORECAST
        self._least = alarm.deadband if forecast else _PLUNGE_MIN * (alarm.limit or 0.0)
        self._judge = self._forecast if forecast else self._rate

    def turns(self, checked: CheckedReading, active: bool, temperature: float | None = None) -> bool | None:
        """Whether this reading speaks for the other state than `active`; None: it says nothing. `temperature` is the
        water's, in °C.
        """
        value, at_s = valid_value(checked), checked.reading.at.boot_s
        if value is None:
            return None
        self._trend.add(at_s, value)
        self._plunge.add(at_s, value)
        plunge = self._plunge.fit(self._least)
        if plunge is not None and self._judge(plunge, at_s, False, temperature):
            self._plunged_s = at_s
        if at_s - self._plunged_s < _SURE_S and (active or at_s == self._plunged_s):
            return not active
        fit = self._trend.fit(at_s)
        return None if fit is None else self._judge(fit, at_s, active, temperature)

    def _rate(self, fit: Fit, at_s: float, active: bool, temperature: float | None) -> bool:
        per_min, limit = -60 * fit.slope, self._alarm.limit or 0.0
        self.because = f"falls by {per_min:.2g} {self._quantity.unit} a minute"
        return per_min < limit - self._alarm.deadband if active else per_min > limit

    def _forecast(self, fit: Fit, at_s: float, active: bool, temperature: float | None) -> bool:
        limit, level = self._alarm.limit_at(temperature) or 0.0, fit.at(at_s)
        noise = self._alarm.deadband / _NOISE_S
        seconds = (level - limit) / -fit.slope if fit.slope < 0 else math.inf
        if active:
            return level > limit and (seconds > 2 * self._alarm.within_s or -fit.slope < noise / 2)
        saturation = _saturation(self._quantity, temperature)
        if level <= limit or -fit.slope < noise or (saturation is not None and level > saturation):
            return False
        unit = self._quantity.unit
        self.because = (
            f"falls by {-60 * fit.slope:.2g} {unit} a minute and reaches {limit:g} {unit} in {seconds / 60:.0f} min"
        )
        return seconds <= self._alarm.within_s


def _saturation(quantity: Quantity, temperature: float | None) -> float | None:
    """Oxygen in balance with the air, in that quantity's unit; None where nobody knows. As in fresh water at sea level,
    the most there can be: with salt, or high up, a forecast begins a little early.
    """
    if quantity is Quantity.DISSOLVED_OXYGEN_SATURATION:
        return 100.0
    if quantity is not Quantity.DISSOLVED_OXYGEN or temperature is None:
        return None
    try:
        return oxygen_saturation(temperature)
    except ValueError:
        return None  # beyond what the formula knows
