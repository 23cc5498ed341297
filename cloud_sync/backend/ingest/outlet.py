"""What the ingestion itself writes to Kafka: dead letters, and the anomalies that come with readings."""

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from cloud_sync.backend.ingest.records import Undelivered
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.record import Record
from cloud_sync.contract.registry import Registry

_PATIENCE_S = 10
_LARGEST_BYTES = 2_097_152  # the dead letters' topic takes twice a batch of the others


class Outlet:
    """`settings` are librdkafka's. All calls block."""

    def __init__(self, settings: Mapping[str, Any], registry: Registry) -> None:
        self._registry = registry
        self._settings = {
            "log_level": 0,
            **settings,
            "acks": "all",
            "enable.idempotence": True,
            "message.max.bytes": _LARGEST_BYTES,
            "message.timeout.ms": _PATIENCE_S * 1000,
            "partitioner": "murmur2_random",  # as gateways do, and Java's clients: one key, one partition
        }
        self._producer: Producer | None = None

    def send(self, topic: str, records: Iterable[tuple[bytes | None, Record]]) -> None:
        """Each with its key; all are safe in Kafka when this returns. Raises Undelivered, RegistryUnavailable and
        RegistryRefuses; then some may be there already.
        """
        if self._producer is None:
            self._producer = Producer(self._settings)
        producer, failed = self._producer, list[KafkaError]()
        encode = Encoder(topic, self._registry.id_of(topic))

        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None:
                failed.append(error)

        for key, record in records:
            value = encode(record)
            try:
                try:
                    producer.produce(topic, key=key, value=value, on_delivery=delivered)
                except BufferError:  # its queue is full: let it empty
                    producer.flush(_PATIENCE_S)
                    producer.produce(topic, key=key, value=value, on_delivery=delivered)
            except KafkaException as error:
                raise _undelivered(topic, error.args[0]) from error
        if producer.flush(_PATIENCE_S + 2) or failed:
            raise _undelivered(topic, failed[0] if failed else KafkaError(KafkaError._TIMED_OUT))


def _undelivered(topic: str, error: KafkaError) -> Undelivered:
    return Undelivered(f"{topic} does not take what comes of the records: {error.str()}")
