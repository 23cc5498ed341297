"""Twins by model. A new one is a file here and a line in its table."""

from simulators.twins.aqualabo import C4e, Optod, Pheht
from simulators.twins.atlas_ezo import EzoDo, EzoEc, EzoPh, EzoRtd
from simulators.twins.ds18b20 import Ds18b20Twin
from simulators.twins.eh_liquiline_cm44x import EhLiquilineCm44x
from simulators.twins.ezo import EzoTwin
from simulators.twins.generic import GenericSonde
from simulators.twins.hamilton_arc import HamiltonDoArc, HamiltonPhArc
from simulators.twins.in_situ import AquaTroll400, AquaTroll500, RdoProX
from simulators.twins.keller_series_30 import KellerSeries30
from simulators.twins.meter_hydros_21 import MeterHydros21
from simulators.twins.modbus import ModbusTwin
from simulators.twins.nmea_mtw import NmeaMtw
from simulators.twins.renke_rs_ldo_n01 import RenkeRsLdoN01
from simulators.twins.sdi12 import Sdi12Twin
from simulators.twins.seeed_s_ph_01 import SeeedSPh01
from simulators.twins.seeed_s_rjy_01 import SeeedSRjy01
from simulators.twins.yosemitech_y504a import YosemitechY504a
from simulators.twins.yosemitech_y520a import YosemitechY520a
from simulators.twins.yosemitech_y532a import YosemitechY532a
from simulators.twins.yosemitech_y4000 import YosemitechY4000
from simulators.twins.ysi_exo_adapter import YsiExoAdapter
from simulators.twins.ysi_odo_ct import YsiOdoCt, YsiOdoRtu

MODBUS_TWINS: dict[str, type[ModbusTwin]] = {
    "aqualabo-c4e": C4e,
    "aqualabo-optod": Optod,
    "aqualabo-pheht": Pheht,
    "eh-liquiline-cm44x": EhLiquilineCm44x,
    "generic": GenericSonde,
    "hamilton-arc-do": HamiltonDoArc,
    "hamilton-arc-ph": HamiltonPhArc,
    "in-situ-aqua-troll-400": AquaTroll400,
    "in-situ-aqua-troll-500": AquaTroll500,
    "in-situ-rdo": RdoProX,
    "keller-series-30": KellerSeries30,
    "renke-rs-ldo-n01": RenkeRsLdoN01,
    "seeed-s-ph-01": SeeedSPh01,
    "seeed-s-rjy-01": SeeedSRjy01,
    "yosemitech-y4000": YosemitechY4000,
    "yosemitech-y504a": YosemitechY504a,
    "yosemitech-y520a": YosemitechY520a,
    "yosemitech-y532a": YosemitechY532a,
    "ysi-exo-adapter": YsiExoAdapter,
    "ysi-odo-ct": YsiOdoCt,
    "ysi-odo-rtu": YsiOdoRtu,
}

TEXT_TWINS: dict[str, type[EzoTwin] | type[NmeaMtw]] = {
    "atlas-ezo-do": EzoDo,
    "atlas-ezo-ec": EzoEc,
    "atlas-ezo-ph": EzoPh,
    "atlas-ezo-rtd": EzoRtd,
    "nmea-0183-mtw": NmeaMtw,
}
"""Each on a line of its own."""

SDI_12_TWINS: dict[str, type[Sdi12Twin]] = {"meter-hydros-21": MeterHydros21}
ONE_WIRE_TWINS: dict[str, type[Ds18b20Twin]] = {"ds18b20": Ds18b20Twin}

Twin = ModbusTwin | EzoTwin | NmeaMtw | Sdi12Twin | Ds18b20Twin
TWINS: dict[str, type[Twin]] = {**MODBUS_TWINS, **TEXT_TWINS, **SDI_12_TWINS, **ONE_WIRE_TWINS}
