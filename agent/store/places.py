"""The sensors that rows refer to, kept in memory beside the database."""

import sqlite3
from uuid import UUID

from agent.domain.farm import Sensor, Tank
from agent.domain.quantity import Quantity
from agent.store.checksum import checksum, whole_rows


class Places:
    """Row ids of sensors, and the way back. A sensor moved to another tank gets a new row."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._id_of: dict[Sensor, int] = {}
        self._row_ids: dict[tuple[str, ...], int] = {}
        self._sensors: dict[int, Sensor] = {}
        for row, *identity in whole_rows(connection, "sensors"):
            self._row_ids[tuple(identity)] = row
            self._sensors[row] = _sensor(*identity)

    def sensor(self, row: int) -> Sensor:
        return self._sensors[row]

    def row_of(self, sensor: Sensor) -> int:
        """The sensor's row, made at first sight; inside the caller's transaction."""
        row = self._id_of.get(sensor)
        if row is None:
            row = self._id_of[sensor] = self._remember(sensor)
            self._sensors[row] = sensor
        return row

    def _remember(self, sensor: Sensor) -> int:
        identity = (
            str(sensor.sensor_id), sensor.tank.name, str(sensor.tank.tank_id), sensor.probe, sensor.channel,
            sensor.quantity.sensor_type, sensor.quantity.unit,
        )  # fmt: skip
        known = self._row_ids.get(identity)
        if known is not None:
            return known
        row = max(self._row_ids.values(), default=0) + 1
        values = (row, *identity)
        insert = "INSERT INTO sensors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._connection.execute(insert, (*values, checksum("sensors", values)))
        self._row_ids[identity] = row
        return row


def _sensor(sensor_id: str, tank: str, tank_id: str, probe: str, channel: str, sensor_type: str, unit: str) -> Sensor:
    return Sensor(UUID(sensor_id), Tank(tank, UUID(tank_id)), probe, channel, Quantity.of(sensor_type), None)
