"""What water is at one instant, and the textbook formulas that tie its properties together."""

import math
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Water:
    """One instant of one body of water; None is "not known" (a recording can have holes, physics has none).

    Conductivity is the actual one at the water's temperature, not referred to 25 °C.
    """

    temperature_c: float | None = None
    oxygen_mg_per_l: float | None = None
    oxygen_percent: float | None = None
    ph: float | None = None
    salinity_psu: float | None = None
    conductivity_ms_per_cm: float | None = None


def oxygen_saturation(temperature_c: float, salinity_psu: float = 0.0, pressure_atm: float = 1.0) -> float:
    """Dissolved oxygen in mg/L of water in equilibrium with air; good for 0 to 40 °C, 0 to 40 PSU.

    Source: Benson and Krause 1984 as in APHA 4500-O; the pressure term's theta takes °C, the others kelvin.
    """
    t, kelvin = temperature_c, temperature_c + 273.15
    fresh = (
        -139.34411 + 1.575701e5 / kelvin - 6.642308e7 / kelvin**2 + 1.243800e10 / kelvin**3 - 8.621949e11 / kelvin**4
    )
    salt = salinity_psu * (1.7674e-2 - 10.754 / kelvin + 2140.7 / kelvin**2)
    at_sea_level = math.exp(fresh - salt)
    vapour = math.exp(11.8571 - 3840.70 / kelvin - 216961 / kelvin**2)
    theta = 0.000975 - 1.426e-5 * t + 6.436e-8 * t**2
    p = pressure_atm
    return at_sea_level * p * (1 - vapour / p) * (1 - theta * p) / ((1 - vapour) * (1 - theta))


_STANDARD_CONDUCTIVITY = 42.914  # mS/cm of water with 35 PSU at 15 °C (IPTS-68)


def salinity(conductivity_ms_per_cm: float, temperature_c: float) -> float:
    """Practical salinity in PSU at the surface; 0 for pure water.

    Source: PSS-78 (UNESCO 1983), with the extension of Hill, Dauphinee and Woods 1986 below 2 PSU. PSS-78 takes
    temperatures of the scale of 1968.
    """
    t = 1.00024 * temperature_c
    ratio = conductivity_ms_per_cm / _STANDARD_CONDUCTIVITY
    pure = 0.6766097 + t * (2.00564e-2 + t * (1.104259e-4 + t * (-6.9698e-7 + t * 1.0031e-9)))
    return _salinity_of_ratio(max(ratio / pure, 0.0), t)


def _salinity_of_ratio(ratio: float, t68: float) -> float:
    root = math.sqrt(ratio)
    warmth = (t68 - 15) / (1 + 0.0162 * (t68 - 15))
    a = (0.0080, -0.1692, 25.3851, 14.0941, -7.0261, 2.7081)
    b = (0.0005, -0.0056, -0.0066, -0.0375, 0.0636, -0.0144)
    psu = sum((ai + warmth * bi) * root**i for i, (ai, bi) in enumerate(zip(a, b, strict=True)))
    if psu < 2:
        x, y = 400 * ratio, 100 * ratio
        psu -= a[0] / (1 + 1.5 * x + x * x) + b[0] * warmth / (1 + math.sqrt(y) + y * math.sqrt(y))
    return max(psu, 0.0)


@lru_cache(maxsize=4096)
def conductivity(salinity_psu: float, temperature_c: float) -> float:
    """Conductivity in mS/cm of water of that salinity: the inverse of `salinity`, found by bisection to 1e-9."""
    low, high = 0.0, 150.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if salinity(middle, temperature_c) < salinity_psu else (low, middle)
    return (low + high) / 2


_PER_DEGREE = 0.0191


def at_temperature(specific_conductance: float, temperature_c: float) -> float:
    """Actual conductivity from the one referred to 25 °C, in the same unit. Standard Methods 2510: 1.91 %/°C."""
    return specific_conductance * (1 + _PER_DEGREE * (temperature_c - 25))


def at_25_degrees(conductivity_at_temperature: float, temperature_c: float) -> float:
    """Specific conductance at 25 °C from the actual conductivity, in the same unit."""
    return conductivity_at_temperature / (1 + _PER_DEGREE * (temperature_c - 25))


def carbonic_pk1(temperature_c: float) -> float:
    """First dissociation constant of carbonic acid in fresh water, as pK; 6.35 at 25 °C.

    Source: Plummer and Busenberg 1982.
    """
    k = temperature_c + 273.15
    return 356.3094 + 0.06091964 * k - 21834.37 / k - 126.8339 * math.log10(k) + 1684915 / k**2


def nernst_slope_mv(temperature_c: float) -> float:
    """Millivolts a pH unit of an ideal glass electrode; 59.159 at 25 °C (R·T·ln 10/F)."""
    return 1000 * 8.314462618 * math.log(10) / 96485.33212 * (temperature_c + 273.15)
