"""The units in which probes speak of a quantity, and the way from each to the canonical one. Pure."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from agent.domain.quantity import Quantity

# The conversions a profile may ask for: number in that unit × factor + offset = number in the canonical unit.
UNITS: Final[Mapping[Quantity, Mapping[str, tuple[Fraction, float]]]] = {
    Quantity.TEMPERATURE: {
        "°C": (Fraction(1), 0.0),
        "°F": (Fraction(5, 9), -160 / 9),
        "K": (Fraction(1), -273.15),
    },
    Quantity.PH: {"pH": (Fraction(1), 0.0)},
    Quantity.DISSOLVED_OXYGEN: {"mg/L": (Fraction(1), 0.0), "µg/L": (Fraction(1, 1000), 0.0)},
    Quantity.DISSOLVED_OXYGEN_SATURATION: {"%": (Fraction(1), 0.0), "fraction": (Fraction(100), 0.0)},
    Quantity.SALINITY: {"PSU": (Fraction(1), 0.0)},
    Quantity.CONDUCTIVITY: {"mS/cm": (Fraction(1), 0.0), "µS/cm": (Fraction(1, 1000), 0.0)},
    Quantity.ORP: {"mV": (Fraction(1), 0.0), "V": (Fraction(1000), 0.0)},
    Quantity.PRESSURE: {
        "kPa": (Fraction(1), 0.0),
        "bar": (Fraction(100), 0.0),
        "mbar": (Fraction(1, 10), 0.0),
        "Pa": (Fraction(1, 1000), 0.0),
    },
    Quantity.SPECIFIC_CONDUCTANCE: {"mS/cm": (Fraction(1), 0.0), "µS/cm": (Fraction(1, 1000), 0.0)},
    Quantity.AMMONIA_FRACTION: {"%": (Fraction(1), 0.0), "fraction": (Fraction(100), 0.0)},
}
