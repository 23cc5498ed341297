"""Sensors that no probe has: a formula over the newest readings of others.

Nothing is invented: where a value is missing, failed or too old, or outside the range of the formula, there is no value
but the reason. A suspect value makes what is computed from it suspect, and worth no more.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.domain import water
from agent.domain.farm import Derived, Sensor
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Missing, Reading

_KPA_PER_ATM: Final = 101.325


@dataclass(frozen=True, slots=True)
class Formula:
    """`compute` takes `inputs` in order, then `constants`, all in canonical units; raises ValueError outside its range.

    The first input is a sensor. The others may be numbers; `constants` are numbers that may be left out.
    """

    quantity: Quantity
    inputs: Mapping[str, Quantity]
    compute: Callable[..., float]
    constants: Mapping[str, float] = field(default_factory=dict)


_OXYGEN_NEEDS: Final = {"temperature": Quantity.TEMPERATURE, "salinity": Quantity.SALINITY}
_AT_SEA_LEVEL: Final = {"pressure_kpa": _KPA_PER_ATM}

FORMULAS: Final = {
    "oxygen_saturation": Formula(
        Quantity.DISSOLVED_OXYGEN_SATURATION,
        {"oxygen": Quantity.DISSOLVED_OXYGEN} | _OXYGEN_NEEDS,
        lambda oxygen, t, psu, kpa: water.oxygen_percent(oxygen, t, psu, kpa / _KPA_PER_ATM),
        _AT_SEA_LEVEL,
    ),
    "oxygen_concentration": Formula(
        Quantity.DISSOLVED_OXYGEN,
        {"saturation": Quantity.DISSOLVED_OXYGEN_SATURATION} | _OXYGEN_NEEDS,
        lambda percent, t, psu, kpa: water.oxygen_mg_per_l(percent, t, psu, kpa / _KPA_PER_ATM),
        _AT_SEA_LEVEL,
    ),
    "salinity": Formula(
        Quantity.SALINITY,
        {"conductivity": Quantity.CONDUCTIVITY, "temperature": Quantity.TEMPERATURE},
        water.salinity,
    ),
    "specific_conductance": Formula(
        Quantity.SPECIFIC_CONDUCTANCE,
        {"conductivity": Quantity.CONDUCTIVITY, "temperature": Quantity.TEMPERATURE},
        water.specific_conductance,
    ),
    "ammonia_fraction": Formula(
        Quantity.AMMONIA_FRACTION,
        {"ph": Quantity.PH, "temperature": Quantity.TEMPERATURE},
        lambda ph, t: 100 * water.ammonia_fraction(ph, t),
    ),
}
"""By the name in the configuration. To add one, write its function in `agent.domain.water` and its line here."""


def derive(derived: Derived, latest: Mapping[Sensor, CheckedReading]) -> Reading:
    """The reading at the instant of its driver's newest one, which `latest` must have."""
    at = latest[derived.driver].reading.at
    value = _computed(derived, latest, at.boot_s)
    if isinstance(value, Missing):
        return Reading(derived.sensor, at, None, value.because)
    return Reading(derived.sensor, at, value)


def _computed(derived: Derived, latest: Mapping[Sensor, CheckedReading], at_s: float) -> float | Missing:
    values = []
    for source in derived.inputs.values():
        value = source if isinstance(source, float) else _newest(latest.get(source.sensor), source.sensor)
        if isinstance(value, Missing):
            return value
        if not isinstance(source, float):
            age_s = at_s - latest[source.sensor].reading.at.boot_s
            if age_s > source.max_age_s:
                return Missing(f"the value of {source.sensor} is {age_s:.0f} s old")
        values.append(value)
    try:
        computed = FORMULAS[derived.formula].compute(*values)
    except ValueError as error:
        return Missing(f"{derived.formula} cannot be computed: {error}")
    return computed if math.isfinite(computed) else Missing(f"{derived.formula} is too great a number")


def _newest(checked: CheckedReading | None, sensor: Sensor) -> float | Missing:
    if checked is None:
        return Missing(f"{sensor} was not read yet")
    if checked.reading.value is None or checked.flag is Flag.FAIL:
        return Missing(f"{sensor} has no good value: {checked.because}")
    return checked.reading.value


def inherited(checked: CheckedReading, derived: Derived, latest: Mapping[Sensor, CheckedReading]) -> CheckedReading:
    """With what the checks have against the readings it was computed from."""
    if checked.reading.value is None:
        return checked
    flag, quality, because = checked.flag, checked.quality, [checked.because] if checked.because else []
    for source in derived.inputs.values():
        if isinstance(source, float):
            continue
        found = latest[source.sensor]
        quality = min(quality, found.quality)
        if found.flag is Flag.SUSPECT:
            flag = flag if flag is Flag.FAIL else Flag.SUSPECT
            because.append(f"{source.sensor}: {found.because}")
    return checked._replace(flag=flag, quality=quality, because="; ".join(because) or None)
