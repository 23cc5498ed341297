"""What later tests take for granted of the real Kafka."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaException, Producer

from tests.services.kafka import Kafka


def producer(kafka: Kafka, **settings: object) -> Producer:
    return Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all", "enable.idempotence": True, **settings})


def test_what_was_acknowledged_is_there_after_a_kill(own_service: Callable[[type[Kafka]], Kafka]) -> None:
    kafka = own_service(Kafka)
    kafka.create("readings", partitions=2)
    writer = producer(kafka)
    for number in range(100):
        writer.produce("readings", str(number).encode(), key=str(number))
    assert writer.flush(20) == 0
    before = kafka.bootstrap

    kafka.kill()
    kafka.start()

    assert kafka.bootstrap == before
    assert sorted(int(record.value() or b"") for record in kafka.records("readings")) == list(range(100))


def test_a_reader_sees_no_record_of_an_aborted_transaction(kafka: Kafka) -> None:
    kafka.create("aborted", partitions=1)
    writer = producer(kafka, **{"transactional.id": "aborted"})
    writer.init_transactions(20)
    writer.begin_transaction()
    writer.produce("aborted", b"never")
    writer.flush(20)
    writer.abort_transaction(20)
    writer.begin_transaction()
    writer.produce("aborted", b"for good")
    writer.commit_transaction(20)
    assert [record.value() for record in kafka.records("aborted")] == [b"for good"]


def test_topics_are_made_by_name_alone_and_once(kafka: Kafka) -> None:
    kafka.create("once", config={"max.message.bytes": "2000"})
    with pytest.raises(KafkaException, match="already exists"):
        kafka.create("once")
    lost: list[str] = []
    writer = producer(kafka, **{"topic.metadata.propagation.max.ms": 500})
    writer.produce("never-made", b"x", on_delivery=lambda error, _: lost.append(str(error and error.name())))
    writer.flush(20)
    assert lost == ["_UNKNOWN_TOPIC"] or lost == ["UNKNOWN_TOPIC_OR_PART"]
