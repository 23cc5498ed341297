"""Kafka's side: a member of the consumer group that reads each partition from where the database says.

An assigned partition is *placed* once its position is known, and fetched from then on. All calls but `close` are made
by one thread; the callbacks run inside `take`.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Raw

from agent.domain.errors import AquaError
from cloud_sync.backend.ingest.records import Message, Partition

log = logging.getLogger(__name__)

_PATIENCE_S = 3
_AWAY = (KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION, KafkaError._SSL)


class SourceError(AquaError):
    """Kafka's client cannot go on: its settings are wrong, or another instance has taken our name."""


class Source:
    """`settings` are librdkafka's. `lost` is told which partitions are no longer ours."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        group: str,
        topics: Sequence[str],
        lost: Callable[[Sequence[Partition]], None],
        instance: str | None = None,
    ) -> None:
        self._where = settings["bootstrap.servers"]
        self._lost = lost
        self._positions: dict[Partition, int] = {}
        self._paused: set[str] = set()
        self._complaints: dict[str, str] = {}
        self.unplaced: set[Partition] = set()
        self.joined = False
        self.trouble: str | None = None
        static = {} if instance is None else {"group.instance.id": instance}
        configuration = {
            "log_level": 0,
            "queued.max.messages.kbytes": 16_384,
            **settings,
            **static,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            "auto.offset.reset": "error",
            "error_cb": self._hear,
        }
        try:
            self._consumer = Consumer(configuration)
        except KafkaException as error:
            raise SourceError(f"Kafka's settings: {error.args[0].str()}") from error
        self._consumer.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def take(self, most: int, timeout_s: float) -> list[tuple[str, Message]]:
        """Messages and their topics; waits for more until the time is over. Raises SourceError."""
        taken = []
        for raw in self._consumer.consume(most, timeout_s):
            error = raw.error()
            if error is None:
                taken.append(_message(raw))
            else:
                self._complain(raw, error)
        if self.trouble is not None and (taken or self._answers()):
            log.info("Kafka is back")
            self.trouble = None
        return taken

    def place(self, partition: Partition, offset: int) -> None:
        """Read it from there on, if it is still ours."""
        if partition not in self.unplaced:
            return
        self.unplaced.discard(partition)
        self._assign(partition, offset)

    def displace(self, partitions: Iterable[Partition]) -> None:
        """Their positions are to be looked up anew; those that are not ours stay so."""
        ours = [partition for partition in partitions if partition in self._positions]
        self._unassign(ours)
        self.unplaced.update(ours)

    def is_paused(self, topic: str) -> bool:
        return topic in self._paused

    def pause(self, topic: str) -> None:
        if topic not in self._paused:
            self._paused.add(topic)
            self._consumer.pause(self._placed(topic))

    def resume(self, topic: str) -> None:
        if topic in self._paused:
            self._paused.discard(topic)
            self._consumer.resume(self._placed(topic))

    def written(self, topic: str, after: Mapping[int, int]) -> None:
        """Tell Kafka, for tools that show lag. Nothing depends on it, so nobody waits for an answer."""
        offsets = [TopicPartition(topic, number, offset) for number, offset in after.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.debug("Kafka was not told how far %s is written: %s", topic, error)

    def ends(self) -> Iterable[tuple[Partition, int]]:
        """Where each placed partition ends, as far as the last fetch told."""
        for partition in self._positions:
            _, end = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
            if end >= 0:
                yield partition, end

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _assigned(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        consumer.incremental_assign([])  # they are ours, and placed later
        self.joined = True
        self.unplaced.update((each.topic, each.partition) for each in partitions)

    def _revoked(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        gone = [(each.topic, each.partition) for each in partitions]
        self.unplaced.difference_update(gone)
        self._unassign(partition for partition in gone if partition in self._positions)
        self._lost(gone)

    def _assign(self, partition: Partition, offset: int) -> None:
        self._positions[partition] = offset
        there = TopicPartition(*partition, offset)
        self._consumer.incremental_assign([there])
        if partition[0] in self._paused:
            self._consumer.pause([there])

    def _unassign(self, partitions: Iterable[Partition]) -> None:
        gone = list(partitions)
        self._consumer.incremental_unassign([TopicPartition(*partition) for partition in gone])
        for partition in gone:
            del self._positions[partition]

    def _placed(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(*partition) for partition in self._positions if partition[0] == topic]

    def _complain(self, raw: Raw, error: KafkaError) -> None:
        topic, number = raw.topic(), raw.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET and topic is not None and number is not None:
            self._begin_again((topic, number))
            return
        if error.fatal():
            raise SourceError(f"Kafka at {self._where} does not go on with us: {error.str()}")
        text = error.str()
        if self._complaints.get(topic or "") != text:
            self._complaints[topic or ""] = text
            log.warning("%s: %s", topic or "Kafka", text)

    def _begin_again(self, partition: Partition) -> None:
        """Kafka has nothing at the position: it was deleted, or the topic was made anew."""
        if partition not in self._positions:
            return
        try:
            [there] = self._consumer.position([TopicPartition(*partition)])
            position = there.offset if there.offset >= 0 else self._positions[partition]
            first, end = self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_PATIENCE_S)
        except KafkaException as error:
            log.warning("%s %d: where it begins is not known yet: %s", *partition, error.args[0].str())
            self.displace([partition])
            return
        if 0 < position < first:
            log.error("%s %d: records %d to %d were deleted before they were read", *partition, position, first - 1)
        elif position > end:
            log.error("%s %d ends at %d, but was read to %d: it was made anew", *partition, end, position)
        self._unassign([partition])
        self._assign(partition, first)

    def _answers(self) -> bool:
        try:
            return bool(self._consumer.list_topics(timeout=0.2).brokers)
        except KafkaException:
            return False

    def _hear(self, error: KafkaError) -> None:
        if error.code() in _AWAY and self.trouble is None:
            self.trouble = f"Kafka at {self._where}: {error.str()}"
            log.warning("%s", self.trouble)


def _message(raw: Raw) -> tuple[str, Message]:
    kind, time_ms = raw.timestamp()
    known = None if kind == TIMESTAMP_NOT_AVAILABLE else time_ms
    topic: Any = raw.topic()
    partition: Any = raw.partition()
    offset: Any = raw.offset()  # all three are None only of what is no record
    return topic, Message(partition, offset, raw.key(), raw.value(), known)
