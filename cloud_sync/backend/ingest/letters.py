"""Records that cannot be used: to `sensor-readings-dlq` for whoever mends and sends them again, and to
`aqua.dead_letters` for whoever counts them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from psycopg import Connection

from cloud_sync.backend.ingest.records import LettersUndelivered, Message, utc_us
from cloud_sync.backend.ingest.records import Record as Received
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.record import Record
from cloud_sync.contract.registry import Registry
from cloud_sync.contract.topics import SENSOR_READINGS_DLQ

_PATIENCE_S = 10
Delivered = Callable[[KafkaError | None, object], None]
_LARGEST_BYTES = 2_097_152  # the topic takes twice a batch of the others


class DeadLetters:
    """`settings` are librdkafka's; `consumer` is who sets aside; `utc` the time. All calls block."""

    def __init__(
        self, settings: Mapping[str, Any], registry: Registry, consumer: str, utc: Callable[[], datetime]
    ) -> None:
        self._consumer = consumer
        self._registry = registry
        self._utc = utc
        self._settings = {
            "log_level": 0,
            **settings,
            "acks": "all",
            "enable.idempotence": True,
            "message.max.bytes": _LARGEST_BYTES,
            "message.timeout.ms": _PATIENCE_S * 1000,
        }
        self._producer: Producer | None = None

    def send(self, topic: str, records: Sequence[Received]) -> None:
        """All are safe in Kafka when this returns; each has a fault. Raises LettersUndelivered, RegistryUnavailable and
        RegistryRefuses; then some may be there already.
        """
        if self._producer is None:
            self._producer = Producer(self._settings)
        encode = Encoder(SENSOR_READINGS_DLQ, self._registry.id_of(SENSOR_READINGS_DLQ))
        now = utc_us(self._utc())
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None:
                failed.append(error)

        for record in records:
            letter = Record(0, SENSOR_READINGS_DLQ, "", now, self._body(topic, record))
            try:
                _produce(self._producer, record.message, encode(letter), delivered)
            except KafkaException as error:
                raise self._undelivered(error.args[0]) from error
        if self._producer.flush(_PATIENCE_S + 2) or failed:
            raise self._undelivered(failed[0] if failed else KafkaError(KafkaError._TIMED_OUT))

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

    def _undelivered(self, error: KafkaError) -> LettersUndelivered:
        return LettersUndelivered(f"{SENSOR_READINGS_DLQ} does not take what was set aside: {error.str()}")


def _produce(producer: Producer, message: Message, value: bytes, delivered: Delivered) -> None:
    try:
        producer.produce(SENSOR_READINGS_DLQ, key=message.key, value=value, on_delivery=delivered)
    except BufferError:  # its queue is full: let it empty
        producer.flush(_PATIENCE_S)
        producer.produce(SENSOR_READINGS_DLQ, key=message.key, value=value, on_delivery=delivered)
