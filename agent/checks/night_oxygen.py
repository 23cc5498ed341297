"""Night oxygen: water with far more oxygen than air gives it, and no light to make it.

Algae drive a pond far above saturation by day. From dusk on all that lives there takes oxygen and none is made, so what
is still there hours later comes from the probe: a bubble on its cap, a lost calibration, a salinity never set. The test
is of percent saturation; for a probe that has mg/L alone configure a derived sensor.

It is night when the sun has been more than 6° below the horizon (the end of civil twilight) for `dark_for_s`: a still
pond at 200 % needs hours to fall to 140 %. Where the sun says nothing (a hall, a greenhouse), the farm gives hours of
UTC. While the wall clock cannot be believed nothing is evaluated. Not for tanks into which pure oxygen is let.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.checks.climatology import is_in
from agent.domain.quality import DOUBTFUL_PROBE
from agent.domain.reading import Flag, Verdict
from agent.domain.sun import CIVIL_TWILIGHT, Place, elevation


@dataclass(frozen=True, slots=True)
class Limits:
    """Suspect above `percent` in the dark. `hours` of UTC (first, last; ends included, round midnight) go before the
    sun of the place.
    """

    percent: float = 140.0
    hours: tuple[int, int] | None = None
    latitude: float | None = None
    longitude: float | None = None
    dark_for_s: float = 2 * 3600.0

    def __post_init__(self) -> None:
        if not (self.percent > 100 and self.dark_for_s >= 0):
            raise ValueError("needs percent > 100 and dark_for_s >= 0")
        if self.hours is not None and not all(0 <= hour <= 23 for hour in self.hours):
            raise ValueError("needs hours from 0 to 23")
        if self.hours is None and self.place is None:
            raise ValueError(
                "needs latitude and longitude, here or in [gateway], or hours: nobody knows when it is dark"
            )

    @property
    def place(self) -> Place | None:
        if self.latitude is None or self.longitude is None:
            return None
        return Place(self.latitude, self.longitude)


class NightOxygen(Check):
    """GOOD below the limit and by day."""

    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._place = limits.place

    def judge(self, point: Point) -> Verdict:
        if point.value <= self.limits.percent:
            return GOOD
        if point.utc_us is None:
            return NOT_EVALUATED
        if not self._is_night(point.utc_us / 1e6):
            return GOOD
        because = f"{point.value:.0f} % saturation at night, above {self.limits.percent:g}: nothing makes oxygen then"
        return Verdict(Flag.SUSPECT, because, DOUBTFUL_PROBE)

    def _is_night(self, utc_s: float) -> bool:
        if self.limits.hours is not None:
            return is_in(self.limits.hours, datetime.fromtimestamp(utc_s, UTC).hour)
        place, since_s = self._place, utc_s - self.limits.dark_for_s
        return place is not None and max(elevation(place, utc_s), elevation(place, since_s)) < CIVIL_TWILIGHT
