"""The limits of checks and alarms: defaults and species, overridden by the file."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.checks import CHECKS, gross_range
from agent.checks.defaults import limits_for
from agent.config.findings import from_validation, keys_of, not_a_table, shown, unknown_key, unknown_keys
from agent.config.problems import Problem
from agent.config.shape import LimitsTable, TankTable
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from agent.domain.sun import Place

# Our choice: 1 to 3 % of the usual value, after the deadbands that EEMUA 191 gives for temperature and composition.
DEADBAND = {
    Quantity.DISSOLVED_OXYGEN: 0.2,
    Quantity.DISSOLVED_OXYGEN_SATURATION: 2.0,
    Quantity.TEMPERATURE: 0.3,
    Quantity.PH: 0.05,
    Quantity.SALINITY: 0.3,
    Quantity.CONDUCTIVITY: 0.5,
    Quantity.ORP: 5.0,
    Quantity.PRESSURE: 0.2,  # 2 cm of water
    Quantity.SPECIFIC_CONDUCTANCE: 0.5,
    Quantity.AMMONIA_FRACTION: 0.2,
}

CUSTOM = "custom"
"""A species of which the file itself gives every limit."""


@cache
def _species() -> dict[str, Any]:
    return tomllib.loads(files("agent.config").joinpath("species.toml").read_text(encoding="utf-8"))


def species_names() -> list[str]:
    return [*_species(), CUSTOM]


def species() -> list[tuple[str, str]]:
    """Name and title of each species with limits of its own, those that need most oxygen first."""
    by_need = sorted(_species().items(), key=lambda item: _oxygen_needed(item[1]), reverse=True)
    return [(name, preset["title"]) for name, preset in by_need]


def _oxygen_needed(preset: Mapping[str, Any]) -> float:
    """In mg/L, to put species in an order: where only a saturation is known, that of fresh water of 15 °C."""
    if "DissolvedOxygen" in preset:
        return float(preset["DissolvedOxygen"]["low"])
    return float(preset["DissolvedOxygenSaturation"]["low"]) / 10


def check_limits(
    tables: Mapping[str, Any], sensors: Iterable[Sensor], place: Place | None, problems: list[Problem]
) -> dict[Sensor, Mapping[str, Any]]:
    """The limits of every check for every sensor: `[checks.<sensor_type>]` over the defaults at that place, `false` is
    off.
    """
    chosen: dict[str, dict[str, Any]] = {}
    sensor_types = [quantity.sensor_type for quantity in Quantity]
    for sensor_type, table in tables.items():
        if sensor_type not in sensor_types:
            problems.append(unknown_key(f"checks.{sensor_type}", sensor_types))
            continue
        if not isinstance(table, dict):
            problems.append(not_a_table(f"checks.{sensor_type}", table))
            continue
        defaults = limits_for(Quantity.of(sensor_type), place)
        chosen[sensor_type] = {
            name: _one_check(f"checks.{sensor_type}.{name}", name, value, defaults.get(name), problems)
            for name, value in table.items()
        }
    limits: dict[Sensor, Mapping[str, Any]] = {}
    for sensor in sensors:
        own = limits_for(sensor.quantity, place) | chosen.get(sensor.quantity.sensor_type, {})
        if (spans := own.get("gross_range")) is not None:
            own["gross_range"] = gross_range.Limits(spans.sensor or sensor.span, spans.user)
        limits[sensor] = {name: value for name, value in own.items() if value is not None}
    return limits


def _one_check(key: str, name: str, value: Any, default: Any, problems: list[Problem]) -> Any:
    """The limits that `value` gives, over the default's; None where the check is off or wrong."""
    if name not in CHECKS:
        problems.append(unknown_key(key, list(CHECKS)))
        return None
    if value is False:
        return None
    shape = CHECKS[name].limits
    known = keys_of(shape)
    if not isinstance(value, dict):
        remedy = f"write false to switch it off, or a table of {', '.join(known)}"
        problems.append(Problem(key, shown(value), "is no table of limits", remedy))
        return None
    if unknown := unknown_keys(value, key, shape):
        problems += unknown
        return None
    over = {field: getattr(default, field) for field in known} if default is not None else {}
    try:
        return TypeAdapter(shape).validate_python(over | value)
    except ValidationError as error:
        problems += from_validation(error, key, shape)
        return None


def tank_limits(tank: TankTable, sensor_type: str) -> LimitsTable:
    """The limits of one sensor type in one tank: its species', and its own over them."""
    preset = LimitsTable(**_species().get(tank.species or "", {}).get(sensor_type, {}))
    return preset.overridden_by(tank.limits.get(sensor_type, LimitsTable()))
