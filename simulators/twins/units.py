"""The addresses of twins: what one looks like on each kind of line."""

import re
from collections.abc import Container
from typing import Final

from simulators.twins import MODBUS_TWINS, ONE_WIRE_TWINS, SDI_12_TWINS, TEXT_TWINS

WHAT_UNITS_ARE: Final = "Modbus has 1 to 247, SDI-12 a digit or letter, 1-Wire a name like 28-0000054a0b3f"

KINDS: Final[dict[str, Container[str]]] = {
    "Modbus": MODBUS_TWINS,
    "text": TEXT_TWINS,
    "SDI-12": SDI_12_TWINS,
    "1-Wire": ONE_WIRE_TWINS,
}
"""The models by the kind of line they need."""


def unit_of(model: str, unit: int | str | None) -> int | str:
    """The twin's address: as given, or its model's factory address."""
    if unit is not None:
        return unit if model in MODBUS_TWINS else str(unit)
    return MODBUS_TWINS[model].factory_unit if model in MODBUS_TWINS else "0"


def is_unit(model: str, unit: int | str | None) -> bool:
    if model in MODBUS_TWINS:
        return unit is None or (isinstance(unit, int) and 1 <= unit <= 247)
    if model in ONE_WIRE_TWINS:
        return re.fullmatch(r"28-[0-9a-f]{12}", str(unit)) is not None
    return unit is None or re.fullmatch(r"[0-9A-Za-z]", str(unit), re.ASCII) is not None
