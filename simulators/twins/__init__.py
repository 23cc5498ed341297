"""Twins by model. A new one is a file here and a line in its table."""

from simulators.twins.atlas_ezo import EzoDo, EzoEc, EzoPh, EzoRtd
from simulators.twins.ezo import EzoTwin
from simulators.twins.generic import GenericSonde
from simulators.twins.hamilton_arc import HamiltonDoArc, HamiltonPhArc
from simulators.twins.modbus import ModbusTwin
from simulators.twins.renke_rs_ldo_n01 import RenkeRsLdoN01
from simulators.twins.seeed_s_ph_01 import SeeedSPh01
from simulators.twins.seeed_s_rjy_01 import SeeedSRjy01
from simulators.twins.yosemitech_y504a import YosemitechY504a
from simulators.twins.yosemitech_y532a import YosemitechY532a
from simulators.twins.ysi_odo_ct import YsiOdoCt

MODBUS_TWINS: dict[str, type[ModbusTwin]] = {
    "generic": GenericSonde,
    "hamilton-arc-do": HamiltonDoArc,
    "hamilton-arc-ph": HamiltonPhArc,
    "renke-rs-ldo-n01": RenkeRsLdoN01,
    "seeed-s-ph-01": SeeedSPh01,
    "seeed-s-rjy-01": SeeedSRjy01,
    "yosemitech-y504a": YosemitechY504a,
    "yosemitech-y532a": YosemitechY532a,
    "ysi-odo-ct": YsiOdoCt,
}

TEXT_TWINS: dict[str, type[EzoTwin]] = {
    "atlas-ezo-do": EzoDo,
    "atlas-ezo-ec": EzoEc,
    "atlas-ezo-ph": EzoPh,
    "atlas-ezo-rtd": EzoRtd,
}

Twin = ModbusTwin | EzoTwin
