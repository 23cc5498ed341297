"""Where good ends for a probe's evidence.

Sources. Corning 440: an electrode's slope from 95 to 105 % of Nernst's is good, from 90 clean it, from 85 service it,
below replace it. Buffer leaflet: a good electrode's zero is within 30 mV, and it settles in another buffer within 10 to
20 s; one that takes two minutes is aged. Caps: makers give 12 to 24 months. "Ours" are starting points, which a site
sets for itself: `[probe_health.<sensor_type>]`.
"""

from dataclasses import dataclass
from math import inf
from typing import Final

from agent.domain.quantity import Quantity

LEAST_SLOPE, SERVICE_SLOPE, CLEAN_SLOPE, GREATEST_SLOPE = 85.0, 90.0, 95.0, 105.0
"""Percent of Nernst's."""

GREATEST_OFFSET_MV: Final = 30.0

LEAST_NOISE: Final = {
    Quantity.TEMPERATURE: 0.02,
    Quantity.PH: 0.01,
    Quantity.DISSOLVED_OXYGEN: 0.02,
    Quantity.DISSOLVED_OXYGEN_SATURATION: 0.2,
    Quantity.SALINITY: 0.02,
    Quantity.CONDUCTIVITY: 0.02,
    Quantity.ORP: 1.0,
}
"""A probe that is quieter counts as this noisy: all of them are that now and then. Ours; an optical oxygen probe was
measured with 0.006 to 0.012 mg/L.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still good. `response_times` and `noise_times`: slower and noisier than after calibration. Shares are of
    a day's readings.
    """

    calibration_age_days: float = 90.0
    cap_age_days: float = 365.0
    response_times: float = 3.0
    response_s: float = 600.0
    noise_times: float = 3.0
    stuck_share: float = 0.1
    gap_share: float = 0.1

    def __post_init__(self) -> None:
        if not all(0 < getattr(self, name) < inf for name in self.__slots__):
            raise ValueError("needs every limit above 0, and finite")
        if self.response_times <= 1 or self.noise_times <= 1 or self.stuck_share > 1 or self.gap_share > 1:
            raise ValueError("needs response_times and noise_times above 1, stuck_share and gap_share of at most 1")


DEFAULT: Final = Limits()  # ours, but for the cap
_BY_QUANTITY: Final = {
    Quantity.TEMPERATURE: Limits(calibration_age_days=365.0),  # ours
    Quantity.PH: Limits(calibration_age_days=30.0, response_s=120.0),  # ours; buffer leaflet
}


def limits_of(quantity: Quantity) -> Limits:
    """Where the configuration says nothing."""
    return _BY_QUANTITY.get(quantity, DEFAULT)
