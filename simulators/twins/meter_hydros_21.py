"""METER HYDROS 21: conductivity, temperature, depth by SDI-12.

Depth in mm without decimals, temperature in °C with one, conductivity in µS/cm without; a second at most for a
measurement, half of one seen (EnviroDIY ModularSensors, MeterHydros21.h). -9999 where there is no value. It hangs half
a metre deep.
"""

from typing import ClassVar

from simulators.probe import Sense
from simulators.twins.sdi12 import Sdi12Twin


class MeterHydros21(Sdi12Twin):
    model = "meter-hydros-21"
    identity = "13METER   HYD21 100"
    channels: ClassVar = {
        "temperature": Sense("temperature_c", tau_s=20.0, noise=0.02),
        "conductivity": Sense("conductivity_ms_per_cm", noise=0.001),
    }

    def numbers(self) -> list[str]:
        temperature, conductivity = self.senses.read("temperature"), self.senses.read("conductivity")
        return [
            "+500",
            "-9999" if temperature is None else f"{temperature:+.1f}",
            "-9999" if conductivity is None else f"{1000 * conductivity:+.0f}",
        ]
