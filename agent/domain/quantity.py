"""What is measured, and the one unit in which the house speaks of it."""

from enum import Enum


class Quantity(Enum):
    """A measured quantity: its `sensor_type` as the cloud knows it, and its canonical unit.

    Drivers convert to the canonical unit; nobody else converts.
    """

    TEMPERATURE = ("Temperature", "°C")
    PH = ("pH", "pH")
    DISSOLVED_OXYGEN = ("DissolvedOxygen", "mg/L")
    DISSOLVED_OXYGEN_SATURATION = ("DissolvedOxygenSaturation", "%")
    SALINITY = ("Salinity", "PSU")
    CONDUCTIVITY = ("Conductivity", "mS/cm")
    ORP = ("ORP", "mV")
    PRESSURE = ("Pressure", "kPa")
    SPECIFIC_CONDUCTANCE = ("SpecificConductance", "mS/cm")
    AMMONIA_FRACTION = ("AmmoniaFraction", "%")

    def __init__(self, sensor_type: str, unit: str) -> None:
        self.sensor_type = sensor_type
        self.unit = unit

    @classmethod
    def of(cls, sensor_type: str) -> "Quantity":
        """The quantity with that `sensor_type`; KeyError when there is none."""
        return _BY_SENSOR_TYPE[sensor_type]


_BY_SENSOR_TYPE = {quantity.sensor_type: quantity for quantity in Quantity}
