"""The Kafka sink against a real Kafka and a real schema registry."""

from collections.abc import Iterator

import pytest

from tests.cloud_sync.kafka_world import KafkaWorld, Reader, prepare
from tests.cloud_sync.sink_contract import JudgingSinkContract
from tests.services.registry import Registry
from tests.services.secured_kafka import SecuredKafka


@pytest.fixture(scope="module")
def reader(secured_kafka: SecuredKafka, registry: Registry) -> Iterator[Reader]:
    prepare(secured_kafka, registry)
    reader = Reader(secured_kafka)
    yield reader
    reader.close()


@pytest.fixture
def world(secured_kafka: SecuredKafka, registry: Registry, reader: Reader) -> Iterator[KafkaWorld]:
    world = KafkaWorld(secured_kafka, registry, reader)
    yield world
    world.detour.close()
    world.admit_us()


class TestKafkaKeepsTheContract(JudgingSinkContract):
    pass
