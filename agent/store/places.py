"""The small tables that rows refer to: sensors and boots, kept in memory beside the database."""

import sqlite3
from uuid import UUID

from agent.domain.farm import Sensor, Tank
from agent.domain.quantity import Quantity

_COLUMNS = "sensor_id, tank, tank_id, probe, channel, sensor_type"


class Places:
    """Row ids of sensors and boots, and the way back. A sensor moved to another tank gets a new row."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._id_of: dict[Sensor, int] = {}
        self._row_ids: dict[tuple[str, ...], int] = {}
        self._sensors: dict[int, Sensor] = {}
        self._boot_ids: dict[int, str] = dict(connection.execute("SELECT id, boot_id FROM boots"))
        self._boots = {boot_id: row for row, boot_id in self._boot_ids.items()}
        for row, *identity in connection.execute(f"SELECT id, {_COLUMNS} FROM sensors"):
            self._row_ids[tuple(identity)] = row
            self._sensors[row] = _sensor(*identity)

    def sensor(self, row: int) -> Sensor:
        return self._sensors[row]

    def boot_id(self, row: int) -> str:
        return self._boot_ids[row]

    def row_of(self, sensor: Sensor) -> int:
        """The sensor's row, made at first sight; inside the caller's transaction."""
        row = self._id_of.get(sensor)
        if row is None:
            row = self._id_of[sensor] = self._remember(sensor)
            self._sensors[row] = sensor
        return row

    def boot_of(self, boot_id: str) -> int:
        row = self._boots.get(boot_id)
        if row is None:
            insert = "INSERT INTO boots (boot_id) VALUES (?) RETURNING id"
            row = self._boots[boot_id] = int(self._connection.execute(insert, (boot_id,)).fetchone()[0])
            self._boot_ids[row] = boot_id
        return row

    def _remember(self, sensor: Sensor) -> int:
        identity = (
            str(sensor.sensor_id), sensor.tank.name, str(sensor.tank.tank_id), sensor.probe, sensor.channel,
            sensor.quantity.sensor_type,
        )  # fmt: skip
        known = self._row_ids.get(identity)
        if known is not None:
            return known
        insert = f"INSERT INTO sensors ({_COLUMNS}, unit) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id"
        row: int = self._connection.execute(insert, (*identity, sensor.quantity.unit)).fetchone()[0]
        self._row_ids[identity] = row
        return row


def _sensor(sensor_id: str, tank: str, tank_id: str, probe: str, channel: str, sensor_type: str) -> Sensor:
    return Sensor(UUID(sensor_id), Tank(tank, UUID(tank_id)), probe, channel, Quantity.of(sensor_type), None)
