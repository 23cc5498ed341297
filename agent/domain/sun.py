"""Where the sun stands: whether anything in the water can make oxygen."""

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin
from typing import Final

SUNRISE: Final = -0.833
"""Degrees of the sun's centre at sunrise and sunset: its radius and what the air bends (US Naval Observatory)."""

CIVIL_TWILIGHT: Final = -6.0
"""Degrees; below, there is too little light to do anything by without a lamp (US Naval Observatory)."""

_DAY_S, _HOUR_S = 86_400, 3600
_J2000_S = 946_728_000  # 2000-01-01 12:00 UTC, from where the formula counts days
_LOOK_S = 300


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees, north and east are positive."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError("needs -90 <= latitude <= 90 and -180 <= longitude <= 180")


def elevation(place: Place, utc_s: float) -> float:
    """Degrees of the sun's centre above the horizon, as without air; `utc_s` in seconds since 1970.

    Source: Michalsky 1988, "The Astronomical Almanac's algorithm for approximate solar position (1950-2050)", Solar
    Energy 40, 227-235; within 0.01°.
    """
    days = (utc_s - _J2000_S) / _DAY_S
    mean_longitude, anomaly = 280.460 + 0.9856474 * days, radians(357.528 + 0.9856003 * days)
    longitude = radians(mean_longitude + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly))
    tilt = radians(23.439 - 0.0000004 * days)
    ascension = atan2(cos(tilt) * sin(longitude), cos(longitude))
    declination = asin(sin(tilt) * sin(longitude))
    sidereal_h = 6.697375 + 0.0657098242 * days + utc_s % _DAY_S / _HOUR_S
    hour_angle = radians(15 * sidereal_h + place.longitude) - ascension
    north = radians(place.latitude)
    return degrees(asin(sin(declination) * sin(north) + cos(declination) * cos(north) * cos(hour_angle)))


def sunrise_after(place: Place, utc_s: float) -> float | None:
    """When the sun next comes up, to some minutes, in seconds since 1970; None if it does not within a day."""
    was_up = elevation(place, utc_s) > SUNRISE
    for then in range(_LOOK_S, _DAY_S + 1, _LOOK_S):
        is_up = elevation(place, utc_s + then) > SUNRISE
        if is_up and not was_up:
            return utc_s + then
        was_up = is_up
    return None
