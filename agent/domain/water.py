"""The textbook formulas that tie the properties of water together.

Every function raises ValueError outside the range its source was fitted for, naming the argument: an extrapolated
polynomial looks like a number and is none. Units are those of `agent.domain.quantity`, pressure is in atmospheres.
"""

import math
from typing import Final

_ZERO_C: Final = 273.15
_GAS, _FARADAY = 8.314462618, 96485.33212  # J/(mol K) and C/mol, CODATA 2018
_PER_DEGREE: Final = 0.0191
_STANDARD: Final = 42.914  # mS/cm of water with 35 PSU at 15 °C on the scale of 1968


def _within(name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} of {value:g}{unit} is outside {low:g} to {high:g}{unit}")


def oxygen_saturation(temperature_c: float, salinity_psu: float = 0.0, pressure_atm: float = 1.0) -> float:
    """Oxygen in mg/L of water in equilibrium with moist air; 0 to 40 °C, 0 to 40 PSU, 0.5 to 1.1 atm.

    Benson and Krause 1984, as in Standard Methods (APHA) 4500-O. In the term for pressure, theta takes °C and all else
    kelvin.
    """
    _within("a temperature", temperature_c, 0, 40, " °C")
    _within("a salinity", salinity_psu, 0, 40, " PSU")
    _within("a pressure", pressure_atm, 0.5, 1.1, " atm")
    t, k, p = temperature_c, temperature_c + _ZERO_C, pressure_atm
    fresh = -139.34411 + 1.575701e5 / k - 6.642308e7 / k**2 + 1.243800e10 / k**3 - 8.621949e11 / k**4
    salt = salinity_psu * (1.7674e-2 - 10.754 / k + 2140.7 / k**2)
    vapour = math.exp(11.8571 - 3840.70 / k - 216961 / k**2)
    theta = 0.000975 - 1.426e-5 * t + 6.436e-8 * t**2
    return math.exp(fresh - salt) * p * (1 - vapour / p) * (1 - theta * p) / ((1 - vapour) * (1 - theta))


def oxygen_percent(
    oxygen_mg_per_l: float, temperature_c: float, salinity_psu: float = 0.0, pressure_atm: float = 1.0
) -> float:
    """Percent of saturation with air of so much oxygen; not below 0 mg/L, else as `oxygen_saturation`."""
    _within("oxygen", oxygen_mg_per_l, 0, math.inf, " mg/L")
    return 100 * oxygen_mg_per_l / oxygen_saturation(temperature_c, salinity_psu, pressure_atm)


def oxygen_mg_per_l(
    oxygen_percent: float, temperature_c: float, salinity_psu: float = 0.0, pressure_atm: float = 1.0
) -> float:
    """Oxygen in mg/L of so many percent of saturation: the inverse of `oxygen_percent`."""
    _within("oxygen", oxygen_percent, 0, math.inf, " %")
    return oxygen_percent / 100 * oxygen_saturation(temperature_c, salinity_psu, pressure_atm)


def oxygen_solubility(temperature_c: float, salinity_psu: float) -> float:
    """Oxygen in µmol/kg of water in equilibrium with moist air of 1 atm; -2 to 40 °C, 0 to 42 PSU.

    Garcia and Gordon 1992, with the coefficients for the data of Benson and Krause.
    """
    _within("a temperature", temperature_c, -2, 40, " °C")
    _within("a salinity", salinity_psu, 0, 42, " PSU")
    scaled = math.log((298.15 - temperature_c) / (_ZERO_C + temperature_c))
    fresh = _polynomial((5.80871, 3.20291, 4.17887, 5.10006, -9.86643e-2, 3.80369), scaled)
    salt = _polynomial((-7.01577e-3, -7.70028e-3, -1.13864e-2, -9.51519e-3), scaled)
    return math.exp(fresh + salinity_psu * salt - 2.75915e-7 * salinity_psu**2)


def salinity(conductivity_ms_per_cm: float, temperature_c: float) -> float:
    """Practical salinity in PSU at the surface, from the conductivity at that temperature; 0 to 42 PSU, -2 to 35 °C.

    PSS-78 (UNESCO 1983), below 2 PSU with the extension of Hill, Dauphinee and Woods 1986. Both take temperatures of
    the scale of 1968 (IPTS-68); thermometers of today show that of 1990.
    """
    _within("a temperature", temperature_c, -2, 35, " °C")
    _within("a conductivity", conductivity_ms_per_cm, 0, math.inf, " mS/cm")
    t68 = 1.00024 * temperature_c
    pure = _polynomial((0.6766097, 2.00564e-2, 1.104259e-4, -6.9698e-7, 1.0031e-9), t68)
    ratio = conductivity_ms_per_cm / _STANDARD / pure
    warmth = (t68 - 15) / (1 + 0.0162 * (t68 - 15))
    root = math.sqrt(ratio)
    psu = _polynomial((0.0080, -0.1692, 25.3851, 14.0941, -7.0261, 2.7081), root)
    psu += warmth * _polynomial((0.0005, -0.0056, -0.0066, -0.0375, 0.0636, -0.0144), root)
    if psu < 2:
        x, y = 400 * ratio, 100 * ratio
        psu -= 0.0080 / (1 + 1.5 * x + x**2) + 0.0005 * warmth / (1 + math.sqrt(y) + y**1.5)
    psu = max(psu, 0.0)
    _within("a salinity", psu, 0, 42, " PSU")
    return psu


def specific_conductance(conductivity: float, temperature_c: float) -> float:
    """Conductivity referred to 25 °C, in the unit it was given in; 0 to 40 °C.

    1.91 % a degree (Standard Methods 2510). Hayashi 2004 found 1.75 to 1.98 % in natural waters.
    """
    _within("a temperature", temperature_c, 0, 40, " °C")
    _within("a conductivity", conductivity, 0, math.inf, "")
    return conductivity / (1 + _PER_DEGREE * (temperature_c - 25))


def ammonia_fraction(ph: float, temperature_c: float) -> float:
    """The share of all ammonia that is NH3, which poisons fish, in [0, 1]; fresh water, pH 0 to 14, 0 to 40 °C.

    Emerson, Russo, Lund and Thurston 1975. Salt lowers the share: in sea water it is too high, on the safe side.
    """
    _within("a pH", ph, 0, 14, "")
    _within("a temperature", temperature_c, 0, 40, " °C")
    return 1 / (1 + 10 ** (0.09018 + 2729.92 / (temperature_c + _ZERO_C) - ph))


def nernst_slope(temperature_c: float) -> float:
    """Millivolts a pH unit of an ideal glass electrode, R T ln 10 / F; 0 to 100 °C."""
    _within("a temperature", temperature_c, 0, 100, " °C")
    return 1000 * _GAS * (temperature_c + _ZERO_C) * math.log(10) / _FARADAY


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    return sum(coefficient * x**power for power, coefficient in enumerate(coefficients))
