"""A real Kafka that asks for a password, a real registry, and a way between them and the gateway that can fail."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AclOperation

from agent.domain.secret import Secret
from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.record import Record, identity
from cloud_sync.contract.registry import Registry
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS, SENSOR_ROLLUPS
from cloud_sync.uplink.kafka import KafkaSink, _PackedBatch
from cloud_sync.uplink.kafka_settings import KafkaSettings
from cloud_sync.uplink.kafka_writer import Writer
from tests.cloud_sync.detour import Detour
from tests.cloud_sync.sink_contract import JudgingWorld, Mood
from tests.cloud_sync.things import GATEWAY
from tests.services.registry import Registry as RegistryService
from tests.services.secured_kafka import SecuredKafka

TOPICS = (SENSOR_READINGS, SENSOR_ALERTS, SENSOR_GAPS, SENSOR_ROLLUPS)
USER, PASSWORD = "tank-farm", "hush-hush-hush"
_LARGEST = 100_000


def prepare(kafka: SecuredKafka, registry: RegistryService) -> None:
    """Topics, schemas, and a user who may write."""
    kafka.create(*TOPICS, config={"max.message.bytes": str(_LARGEST)})
    kafka.add_user(USER, PASSWORD)
    for topic in TOPICS:
        kafka.allow(USER, AclOperation.WRITE, topic)
    with Registry(Registry.Settings(registry.url)) as client:
        for topic in TOPICS:
            client.register(topic)


class Reader:
    """What comes into the topics from now on; of one process, since each consumer takes a second to begin."""

    def __init__(self, kafka: SecuredKafka) -> None:
        self._messages: list[Message] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "group.id": "nobody",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 20,
            }
        )
        self._upto: dict[tuple[str, int], int] = {}
        self._partitions = [
            (topic, partition)
            for topic in TOPICS
            for partition in self._consumer.list_topics(topic, 10).topics[topic].partitions
        ]
        self._consumer.assign([TopicPartition(*one, 0) for one in self._partitions])
        self.forget()

    def forget(self) -> None:
        """What came until now."""
        self.messages()
        self._messages.clear()

    def messages(self) -> list[Message]:
        """By partition and offset."""
        ends = {one: self._consumer.get_watermark_offsets(TopicPartition(*one), 10)[1] for one in self._partitions}
        deadline = time.monotonic() + 20
        while any(self._upto.get(one, 0) < end for one, end in ends.items()):
            assert time.monotonic() < deadline, f"only {self._upto} of {ends} could be read"
            for message in self._consumer.consume(1000, timeout=0.1):
                assert message.error() is None, message.error()
                topic, partition, offset = place_of(message)
                self._upto[topic, partition] = offset + 1
                self._messages.append(message)
        return sorted(self._messages, key=place_of)

    def close(self) -> None:
        self._consumer.close()


def place_of(message: Message) -> tuple[str, int, int]:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None and partition is not None and offset is not None
    return topic, partition, offset


class KafkaWorld(JudgingWorld):
    """What the destination holds is what the backend makes of it: of records of one identity the first counts."""

    def __init__(self, kafka: SecuredKafka, registry: RegistryService, reader: Reader) -> None:
        self.reader = reader
        self.kafka = kafka
        self.registry = registry
        self.nowhere = False
        self.poison: set[int] = set()
        self.padding = b""
        reader.forget()
        self.detour = Detour(kafka.detour, kafka.port("DETOUR"))
        self.detour.open()

    def sink(self, **settings: Any) -> KafkaSink:
        settings = {"timeout_s": 1.0, "linger_s": 0.0} | settings
        return _OnThisWay(
            self,
            KafkaSettings(
                bootstrap_servers=f"127.0.0.1:{self.kafka.detour}",
                registry_url=self.registry.url,
                tls=False,
                user=USER,
                password=Secret(PASSWORD, "FILE"),
                **settings,
            ),
        )

    def received(self) -> list[Mapping[str, Any]]:
        with Registry(Registry.Settings(self.registry.url)) as client:
            decoders = {topic: Decoder(topic, client.schema) for topic in TOPICS}
            bodies = [(m.topic(), decoders[m.topic() or ""](m.value() or b"")) for m in self.reader.messages()]
        first: dict[Any, Mapping[str, Any]] = {}
        for topic, body in bodies:
            first.setdefault((topic, identity(body)), body)
        return list(first.values())

    def go_away(self) -> None:
        self.detour.cut()

    def come_back(self) -> None:
        self.detour.open()

    def refuse_us(self) -> None:
        self.kafka.add_user(USER, "another")
        self.detour.cut()  # who is in stays in
        self.detour.open()

    def admit_us(self) -> None:
        self.kafka.add_user(USER, PASSWORD)

    def misbehave(self, mood: Mood) -> None:
        match mood:
            case Mood.HANGS:
                self.detour.stall()
            case Mood.IS_SLOW:
                self.detour.delay_s = 0.1
            case Mood.TAKES_HALF:
                self.detour.resets_topic = SENSOR_READINGS.encode()
            case Mood.LOSES_THE_ANSWER:
                self.detour.loses_answers = True
            case Mood.RESETS:
                self.detour.resets = True
            case Mood.IS_NOWHERE:
                self.nowhere = True

    def behave(self) -> None:
        self.nowhere = self.detour.loses_answers = self.detour.resets = False
        self.detour.resets_topic = None
        self.detour.go_on()

    def refuse(self, seqs: set[int], by_name: bool) -> None:
        """Too large for the client itself, or for the broker alone, which says no more than that."""
        self.poison = seqs
        self.padding = bytes(1_100_000) if by_name else os.urandom(2 * _LARGEST)

    def dawdle(self) -> None:
        self.detour.delay_s = 1.5

    def hurry(self) -> None:
        self.detour.delay_s = 0.0


class _OnThisWay(KafkaSink):
    """Goes to a host that no name server knows, and makes records too large, when its world says so."""

    def __init__(self, world: KafkaWorld, settings: KafkaSettings) -> None:
        super().__init__(settings, GATEWAY)
        self._world = world
        self._right = settings

    async def _new_writer(self) -> Writer:
        servers = "kafka.invalid:9092" if self._world.nowhere else self._right.bootstrap_servers
        self._settings = replace(self._right, bootstrap_servers=servers)
        return await super()._new_writer()

    def _packed(self, batch: Sequence[Record]) -> _PackedBatch:
        packed = super()._packed(batch)
        data = [
            one._replace(value=one.value + self._world.padding) if record.seq in self._world.poison else one
            for record, one in zip(packed.records, packed.data, strict=True)
        ]
        return packed._replace(data=data)
