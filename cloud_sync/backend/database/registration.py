"""What only people know of tanks and sensors, from a TOML file: capacity, optimum, model, serial number, calibration.

    [[tanks]]
    id = "550e8400-e29b-41d4-a716-446655440000"     # as `aqua-gateway check-config` tells it
    name = "tank-3"
    capacity_value = 12.0
    capacity_unit = "m3"

    [[sensors]]
    id = "550e8400-e29b-41d4-a716-446655440001"
    serial_number = "DO-1234"
    expected_interval_s = 60

A key is a column; what is not given stays as it is. Tanks and sensors that are not there yet are added; what readings
tell of them (name, tank, type, unit, probe) is theirs to say as soon as they come.
"""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from cloud_sync.backend.database.connection import DatabaseError

COLUMNS: Final = {
    "tanks": (
        "name", "capacity_value", "capacity_unit", "tank_type", "location", "status", "optimal_parameters",
    ),
    "sensors": (
        "tank_id", "sensor_type", "model", "manufacturer", "serial_number", "installation_date", "calibration_date",
        "next_calibration_date", "min_value", "max_value", "accuracy", "is_active", "metadata", "unit", "probe",
        "expected_interval_s",
    ),
}  # fmt: skip


def register(connection: Connection[Any], file: Path) -> tuple[int, int]:
    """Write all or nothing; returns how many tanks and sensors. DatabaseError names the entry."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatabaseError(f"{file}: {error}") from None
    if unknown := set(document) - set(COLUMNS):
        raise DatabaseError(f"{file}: {', '.join(sorted(unknown))}: write [[tanks]] and [[sensors]]")
    with connection.transaction():
        for table in COLUMNS:
            entries = document.get(table, [])
            if not isinstance(entries, list):
                raise DatabaseError(f"{file}: [{table}] must be written [[{table}]]")
            for number, entry in enumerate(entries, start=1):
                where = f"{file}: {table} entry {number}"
                try:
                    _write(connection, table, _row(where, table, entry))
                except psycopg.Error as error:
                    raise DatabaseError(f"{where}: {error}") from None
    return len(document.get("tanks", [])), len(document.get("sensors", []))


def _row(where: str, table: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    allowed = ("id", *COLUMNS[table])
    if unknown := [key for key in entry if key not in allowed]:
        raise DatabaseError(f"{where}: {', '.join(unknown)} is not known; known are {', '.join(allowed)}")
    try:
        row: dict[str, Any] = {"id": UUID(entry["id"])}
    except (KeyError, ValueError, AttributeError):
        raise DatabaseError(f"{where}: id must be a UUID in quotes") from None
    for key, value in entry.items():
        if key == "expected_interval_s":
            row["expected_interval"] = timedelta(seconds=value)
        elif key != "id":
            row[key] = Jsonb(value) if isinstance(value, dict) else value
    return row


def _write(connection: Connection[Any], table: str, row: Mapping[str, Any]) -> None:
    target = sql.Identifier("sensor_data", table)
    changes = [sql.SQL("{} = {}").format(sql.Identifier(key), sql.Placeholder(key)) for key in row]
    update = sql.SQL("UPDATE {} SET {}, updated_at = now() WHERE id = {}")
    found = connection.execute(update.format(target, sql.SQL(", ").join(changes), sql.Placeholder("id")), row)
    if found.rowcount == 0:
        keys = sql.SQL(", ").join(map(sql.Identifier, row))
        values = sql.SQL(", ").join(map(sql.Placeholder, row))
        connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(target, keys, values), row)
