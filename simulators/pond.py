"""A tank or pond over days: sun, fish, feed, air and what they do to oxygen and pH.

Oxygen follows a mass balance, dC/dt = photosynthesis - respiration + k·(C_air - C), in steps of five seconds of
simulated time. Carbon dioxide mirrors it, and pH follows carbon dioxide at constant alkalinity. The course depends on
the settings, the seed and the time alone, unless a test switches `aerating` by hand.
"""

import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from simulators.schedule import Window
from simulators.water import Water, carbonic_pk1, conductivity, oxygen_saturation

STEP_S = 5.0
_REMEMBERED_STEPS = 2000  # a probe looks back by its dead time
_CO2_PER_O2 = 44.0 / 32.0  # mg a mg, one molecule for one
_CO2_IN_AIR_BALANCE = 0.6  # mg/L, fresh water at about 15 °C
_LEAST_CO2 = 0.02  # mg/L; below, bicarbonate supplies what plants take
_BREATHING_FADES_BELOW = 1.5  # mg/L; fish can take no oxygen that is not there


class WaterSource(Protocol):
    """Anything that knows the water at `t_s` simulated seconds since the farm's start."""

    def at(self, t_s: float) -> Water: ...


@dataclass(frozen=True, slots=True)
class PondSettings:
    """How a pond is; the defaults are an aerated tank of trout without algae, started in the morning.

    Respiration holds at the mean temperature and doubles every 10 °C (Q10 = 2); 200 to 500 mg O2/kg/h is fish at rest
    to fed and stressed fish. `aeration_per_h` is the transfer coefficient k; `aeration_saturation_percent` is what the
    aerators tend to: 100 with air, more with pure oxygen.
    """

    temperature_c: float = 14.0
    temperature_swing_c: float = 0.8
    salinity_psu: float = 0.2
    biomass_kg_per_m3: float = 30.0
    respiration_mg_per_kg_h: float = 300.0
    feeding_hours: tuple[float, ...] = (8.0, 12.0, 16.0)
    feeding_raises_by: float = 0.4
    background_respiration_mg_per_l_h: float = 0.05
    photosynthesis_mg_per_l_h: float = 0.0
    surface_exchange_per_h: float = 0.05
    aeration_per_h: float = 6.0
    aeration_saturation_percent: float = 120.0
    alkalinity_meq_per_l: float = 2.0
    pressure_atm: float = 1.0
    starts_at_hour: float = 9.0


@dataclass(frozen=True, slots=True)
class _State:
    oxygen: float
    co2: float


class Pond:
    """Water by physics. `failures` are windows of simulated time in which the aerators stand still."""

    def __init__(self, settings: PondSettings | None = None, seed: int = 0, failures: Sequence[Window] = ()) -> None:
        self.settings = settings or PondSettings()
        self.failures = tuple(failures)
        self.aerating = True
        self._weather = _Weather(seed)
        self._first = 0
        self._states = deque([self._balanced()], maxlen=_REMEMBERED_STEPS)

    def at(self, t_s: float) -> Water:
        """The water at `t_s` ≥ 0; times longer ago than two hours give the oldest remembered oxygen and pH."""
        step, part = divmod(max(t_s, 0.0), STEP_S)
        before, after = self._state(int(step)), self._state(int(step) + 1)
        share = part / STEP_S
        oxygen = before.oxygen + share * (after.oxygen - before.oxygen)
        co2 = before.co2 + share * (after.co2 - before.co2)
        return self._water(t_s, oxygen, co2)

    def temperature_c(self, t_s: float) -> float:
        """Warmest at 15:00, coldest at 03:00, with some weather."""
        swing = math.cos((self._hour(t_s) - 15) / 24 * math.tau)
        return self.settings.temperature_c + self.settings.temperature_swing_c * (swing + 0.5 * self._weather.at(t_s))

    def respiration(self, t_s: float) -> float:
        """Oxygen that fish, plankton and sediment take where there is plenty, in mg/L/h."""
        s = self.settings
        fish = s.biomass_kg_per_m3 * s.respiration_mg_per_kg_h / 1000 * (1 + s.feeding_raises_by * self._appetite(t_s))
        warmth = 2 ** ((self.temperature_c(t_s) - s.temperature_c) / 10)
        return (fish + s.background_respiration_mg_per_l_h) * warmth

    def _hour(self, t_s: float) -> float:
        return self.settings.starts_at_hour + t_s / 3600

    def _appetite(self, t_s: float) -> float:
        # peaks a good hour after feeding, gone after some six
        since = ((self._hour(t_s) - hour) % 24 for hour in self.settings.feeding_hours)
        return min(sum(math.e * (h / 1.2) * math.exp(-h / 1.2) for h in since), 1.5)

    def _light(self, t_s: float) -> float:
        clouds = 1 - 0.25 * abs(self._weather.at(t_s))
        return max(0.0, math.sin((self._hour(t_s) % 24 - 6) / 12 * math.pi)) * clouds

    def _exchange(self, t_s: float) -> tuple[float, float]:
        """Transfer coefficient in 1/h of surface and aerators together, and the oxygen they tend to in mg/L."""
        s = self.settings
        runs = self.aerating and not any(window.holds(t_s) for window in self.failures)
        k = s.surface_exchange_per_h + (s.aeration_per_h if runs else 0.0)
        saturation = oxygen_saturation(self.temperature_c(t_s), s.salinity_psu, s.pressure_atm)
        boost = s.aeration_per_h * (s.aeration_saturation_percent / 100 - 1) / k if runs else 0.0
        return k, saturation * (1 + boost)

    def _balanced(self) -> _State:
        k, target = self._exchange(0.0)
        oxygen = max(target - self.respiration(0.0) / max(k, 0.1), 0.5)
        return _State(oxygen, _CO2_IN_AIR_BALANCE + self.respiration(0.0) * _CO2_PER_O2 / max(k, 0.5))

    def _state(self, step: int) -> _State:
        while self._first + len(self._states) <= step:
            if len(self._states) == _REMEMBERED_STEPS:
                self._first += 1
            self._states.append(self._next(self._states[-1], (self._first + len(self._states) - 1) * STEP_S))
        return self._states[max(step - self._first, 0)]

    def _next(self, now: _State, t_s: float) -> _State:
        hours = STEP_S / 3600
        k, target = self._exchange(t_s)
        breathed = self.respiration(t_s) * min(1.0, now.oxygen / _BREATHING_FADES_BELOW)
        grown = self.settings.photosynthesis_mg_per_l_h * self._light(t_s)
        oxygen = now.oxygen + hours * (grown - breathed + k * (target - now.oxygen))
        co2 = now.co2 + hours * ((breathed - grown) * _CO2_PER_O2 + k * (_CO2_IN_AIR_BALANCE - now.co2))
        return _State(max(oxygen, 0.0), max(co2, _LEAST_CO2))

    def _water(self, t_s: float, oxygen: float, co2: float) -> Water:
        s = self.settings
        t = self.temperature_c(t_s)
        # ions shift the constant by about half a unit in sea water
        pk1 = carbonic_pk1(t) - 0.5 * math.sqrt(s.salinity_psu / 35)
        return Water(
            temperature_c=t,
            oxygen_mg_per_l=oxygen,
            oxygen_percent=100 * oxygen / oxygen_saturation(t, s.salinity_psu, s.pressure_atm),
            ph=pk1 + math.log10(s.alkalinity_meq_per_l / (co2 / 44.0)),
            salinity_psu=s.salinity_psu,
            conductivity_ms_per_cm=conductivity(s.salinity_psu, round(t, 3)),
        )


class _Weather:
    """A slow, smooth wander between -1 and 1, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self._waves = [(math.tau / (hours * 3600), chance.uniform(0, math.tau)) for hours in (5.3, 17.0, 61.0)]

    def at(self, t_s: float) -> float:
        return sum(math.sin(speed * t_s + phase) for speed, phase in self._waves) / len(self._waves)
