"""`[probe_health.<sensor_type>]`: from when on a probe wants something, over the defaults."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.config.findings import from_validation, not_a_table, unknown_key, unknown_keys
from agent.config.problems import Problem
from agent.domain.quantity import Quantity
from agent.scores.probe_limits import Limits, limits_of


def probe_limits(tables: Mapping[str, Any], problems: list[Problem]) -> Mapping[Quantity, Limits]:
    """Those that the file gives; problems are added to what is found so far."""
    sensor_types = {quantity.sensor_type: quantity for quantity in Quantity}
    found: dict[Quantity, Limits] = {}
    for sensor_type, table in tables.items():
        key = f"probe_health.{sensor_type}"
        if sensor_type not in sensor_types:
            problems.append(unknown_key(key, list(sensor_types)))
        elif not isinstance(table, dict):
            problems.append(not_a_table(key, table))
        elif unknown := unknown_keys(table, key, Limits):
            problems += unknown
        else:
            quantity = sensor_types[sensor_type]
            try:
                found[quantity] = TypeAdapter(Limits).validate_python(asdict(limits_of(quantity)) | table)
            except ValidationError as error:
                problems += from_validation(error, key, Limits)
    return found
