"""Records that cannot be used: to `sensor-readings-dlq` for whoever mends and sends them again, and to
`aqua.dead_letters` for whoever counts them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from cloud_sync.backend.ingest.outlet import Outlet
from cloud_sync.backend.ingest.records import Record as Received
from cloud_sync.backend.ingest.records import utc_us
from cloud_sync.contract.record import Record
from cloud_sync.contract.topics import SENSOR_READINGS_DLQ


class DeadLetters:
    """`consumer` is who sets aside; `utc` the time. All calls block."""

    def __init__(self, outlet: Outlet, consumer: str, utc: Callable[[], datetime]) -> None:
        self._outlet = outlet
        self._consumer = consumer
        self._utc = utc

    def send(self, topic: str, records: Sequence[Received]) -> None:
        """To Kafka; each has a fault. Raises as `Outlet.send`."""
        now = utc_us(self._utc())
        letters = (
            (record.message.key, Record(0, SENSOR_READINGS_DLQ, "", now, self._body(topic, record)))
            for record in records
        )
        self._outlet.send(SENSOR_READINGS_DLQ, letters)

    def keep(self, connection: Connection[Any], topic: str, records: Sequence[Received]) -> None:
        """In the database, once each."""
        for record in records:
            body = self._body(topic, record)
            connection.execute(
                """INSERT INTO aqua.dead_letters
                       (topic, partition, record_offset, record_time, key, value, reason, error, consumer)
                   VALUES (%(topic)s, %(partition)s, %(offset)s, %(record_time)s, %(key)s, %(value)s, %(reason)s,
                           %(error)s, %(consumer)s)
                   ON CONFLICT DO NOTHING""",
                body | {"error": body["error"].replace("\0", "\ufffd")},
            )

    def _body(self, topic: str, record: Received) -> dict[str, Any]:
        message, _, fault = record
        if fault is None:
            raise ValueError("nothing is wrong with it")
        return {
            "time": None,  # the encoder takes the record's
            "topic": topic,
            "partition": message.partition,
            "offset": message.offset,
            "record_time": message.time,
            "key": message.key,
            "value": message.value,
            "reason": fault.reason,
            "error": fault.error,
            "consumer": self._consumer,
        }
