"""Writing to and asking the database of a test."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from cloud_sync.contract.record import Record
from cloud_sync.contract.rows import statements

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
TANK, TEMPERATURE, PH, OXYGEN = (UUID(int=number) for number in (1, 11, 12, 13))


def write(connection: Connection[Any], records: Sequence[Record]) -> int:
    """Write records of one topic as everybody does; returns how many rows were new or changed."""
    with connection.transaction():
        counts = [connection.execute(*each).rowcount for each in statements(records[0].topic, _bodies(records))]
    return counts[0]


def _bodies(records: Sequence[Record]) -> list[Mapping[str, Any]]:
    return [record.body for record in records]


def ask(connection: Connection[Any], question: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(question, values).fetchall()


def answer(connection: Connection[Any], question: LiteralString, *values: object) -> Any:
    """The one column of the one row."""
    [[value]] = ask(connection, question, *values)
    return value


def series(
    connection: Connection[Any],
    sensor: UUID,
    sensor_type: str,
    values: Sequence[float | None],
    *,
    until: datetime = AT,
    every: timedelta = timedelta(minutes=5),
    quality: float | Sequence[float] = 1.0,
) -> None:
    """Readings of TANK, one `every` so long; the last value is of `until`."""
    times = [until - every * back for back in reversed(range(len(values)))]
    qualities = [quality] * len(values) if isinstance(quality, float) else list(quality)
    connection.execute(
        """INSERT INTO sensor_data.readings (time, sensor_id, tank_id, sensor_type, value, quality_score)
           SELECT t, %s, %s, %s, v, q FROM unnest(%s::timestamptz[], %s::float8[], %s::float8[]) x (t, v, q)""",
        [sensor, TANK, sensor_type, times, list(values), qualities],
    )


def sensor(connection: Connection[Any], sensor: UUID, sensor_type: str, every: timedelta | None = None) -> None:
    connection.execute(
        "INSERT INTO sensor_data.sensors (id, tank_id, sensor_type, expected_interval) VALUES (%s, %s, %s, %s)",
        [sensor, TANK, sensor_type, every],
    )
