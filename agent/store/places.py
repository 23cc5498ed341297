"""What rows refer to: sensors, and equipment that alarms tell of. Kept in memory beside the database."""

import sqlite3
from uuid import UUID

from agent.domain.farm import Equipment, Sensor, Tank
from agent.domain.quantity import Quantity
from agent.store.checksum import checksum, damaged, whole_rows


class Places:
    """Row ids of sensors and equipment, and the way back. A sensor moved to another tank gets a new row.

    Equipment has a row without sensor id: its name as the probe's, its part as the type, perhaps a tank.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._id_of: dict[Sensor | Equipment, int] = {}
        self._row_ids: dict[tuple[str, ...], int] = {}
        self._sources: dict[int, Sensor | Equipment] = {}
        for row, *identity in whole_rows(connection, "sensors"):
            self._row_ids[tuple(identity)] = row
            self._sources[row] = _source(*identity)

    def sensor(self, row: int) -> Sensor:
        """Of a row that a reading refers to."""
        found = self._sources[row]
        if isinstance(found, Equipment):
            raise damaged(f"row {row} of sensors is {found}, not a sensor")
        return found

    def source(self, row: int) -> Sensor | Equipment:
        """Of a row that an alarm refers to."""
        return self._sources[row]

    def row_of(self, source: Sensor | Equipment) -> int:
        """Its row, made at first sight; inside the caller's transaction."""
        row = self._id_of.get(source)
        if row is None:
            row = self._id_of[source] = self._remember(source)
            self._sources[row] = source
        return row

    def _remember(self, source: Sensor | Equipment) -> int:
        identity = _identity(source)
        known = self._row_ids.get(identity)
        if known is not None:
            return known
        row = max(self._row_ids.values(), default=0) + 1
        values = (row, *identity)
        insert = "INSERT INTO sensors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._connection.execute(insert, (*values, checksum("sensors", values)))
        self._row_ids[identity] = row
        return row


def _identity(source: Sensor | Equipment) -> tuple[str, ...]:
    tank = source.tank
    placed = (tank.name, str(tank.tank_id)) if tank else ("", "")
    if isinstance(source, Equipment):
        return ("", *placed, source.name, "", source.part, "")
    quantity = source.quantity
    return (str(source.sensor_id), *placed, source.probe, source.channel, quantity.sensor_type, quantity.unit)


def _source(sensor_id: str, tank: str, tank_id: str, probe: str, channel: str, kind: str, _: str) -> Sensor | Equipment:
    if not sensor_id:
        return Equipment(kind, probe, Tank(tank, UUID(tank_id)) if tank else None)
    return Sensor(UUID(sensor_id), Tank(tank, UUID(tank_id)), probe, channel, Quantity.of(kind), None)
