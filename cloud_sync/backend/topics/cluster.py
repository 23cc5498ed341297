"""What a Kafka cluster has of our topics, and how to bring it nearer to what it should have. Nothing is deleted."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    TopicMetadata,
)

from agent.domain.errors import AquaError
from cloud_sync.contract.topics import Topic

_PATIENCE_S = 15
_HOPELESS = (KafkaError._AUTHENTICATION, KafkaError._SSL)


class ClusterError(AquaError):
    """Kafka cannot be reached or refuses us; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a topic is in other ways than it should be: it is `missing`; it has so many `partitions` or `replicas`; its
    `config` is the first and should be the second.
    """

    topic: Topic
    replication: int
    missing: bool = False
    partitions: int | None = None
    replicas: int | None = None
    config: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        """For people, a line each."""
        name = self.topic.name
        if self.missing:
            yield f"{name}: is missing"
        if self.partitions is not None:
            yield f"{name}: partitions are {self.partitions} and should be {self.topic.partitions}"
        if self.replicas is not None:
            yield f"{name}: replicas are {self.replicas} and should be {self.replication}"
        for key, (now, wanted) in self.config.items():
            yield f"{name}: {key} is {now} and should be {wanted}"


class Cluster:
    """`settings` are librdkafka's. All calls raise ClusterError."""

    def __init__(self, settings: Mapping[str, Any], replication: int) -> None:
        self._replication = replication
        self._where = settings["bootstrap.servers"]
        self._last_error: KafkaError | None = None
        configuration: dict[str, Any] = {"log_level": 0, **settings, "error_cb": self._keep}
        try:
            self._admin = AdminClient(configuration)
        except KafkaException as error:
            raise ClusterError(f"Kafka's settings: {error.args[0].str()}") from error

    def differences(self, topics: Sequence[Topic]) -> list[Difference]:
        """One for each topic that is not as it should be. To have more partitions is no difference."""
        there = self._metadata()
        found = [Difference(topic, self._replication, missing=True) for topic in topics if topic.name not in there]
        present = [topic for topic in topics if topic.name in there]
        for topic, config in zip(present, self._configs(present), strict=True):
            partitions = there[topic.name].partitions.values()
            replicas = min(len(partition.replicas) for partition in partitions)
            # More replicas in sync than there are would stop all writing.
            wanted = topic.config(min(replicas, self._replication))
            difference = Difference(
                topic,
                self._replication,
                partitions=len(partitions) if len(partitions) < topic.partitions else None,
                replicas=replicas if replicas != self._replication else None,
                config={key: (config.get(key), value) for key, value in wanted.items() if config.get(key) != value},
            )
            if list(difference):
                found.append(difference)
        return found

    def mend(self, difference: Difference) -> Iterator[str]:
        """Do what can be done without losing anything, and tell each thing that was done."""
        topic = difference.topic
        if difference.missing:
            config = dict(topic.config(self._replication))
            new = NewTopic(topic.name, topic.partitions, self._replication, config=config)
            if self._done(self._admin.create_topics([new]), KafkaError.TOPIC_ALREADY_EXISTS):
                yield f"{topic.name}: made, partitions: {topic.partitions}, replicas: {self._replication}"
        if difference.config:
            changes = [
                ConfigEntry(key, wanted, incremental_operation=AlterConfigOpType.SET)
                for key, (_, wanted) in difference.config.items()
            ]
            resource = ConfigResource("topic", topic.name, incremental_configs=changes)
            self._done(self._admin.incremental_alter_configs([resource]))
            for key, (now, wanted) in difference.config.items():
                yield f"{topic.name}: {key} set to {wanted}, it was {now}"
        if difference.partitions is not None:
            more = NewPartitions(topic.name, topic.partitions)
            if self._done(self._admin.create_partitions([more]), KafkaError.INVALID_PARTITIONS):
                yield (
                    f"{topic.name}: {topic.partitions} partitions, there were {difference.partitions}; keys go to "
                    "other partitions from now on"
                )

    def settle(self, topics: Sequence[Topic]) -> None:
        """Wait until the brokers have heard of what was done: asked at once, one may still tell what was before."""
        for _ in range(_PATIENCE_S):
            left = [d for d in self.differences(topics) if d.missing or d.config or d.partitions is not None]
            if not left:
                return
            time.sleep(1)
        lines = "; ".join(line for difference in left for line in difference)
        raise ClusterError(f"Kafka at {self._where} took it all, but {_PATIENCE_S} s later still says: {lines}")

    def _metadata(self) -> Mapping[str, TopicMetadata]:
        for _ in range(_PATIENCE_S):
            try:
                return dict(self._admin.list_topics(timeout=1).topics)
            except KafkaException as error:
                failed = self._failed(error)  # hears the library's reasons, too
            if self._last_error is not None and self._last_error.code() in _HOPELESS:
                break
        raise failed

    def _configs(self, topics: Sequence[Topic]) -> list[dict[str, str | None]]:
        if not topics:
            return []
        answers = self._admin.describe_configs([ConfigResource("topic", topic.name) for topic in topics])
        by_name = {resource.name: answer for resource, answer in answers.items()}
        return [{entry.name: entry.value for entry in self._result(by_name[topic.name]).values()} for topic in topics]

    def _done(self, answers: Mapping[Any, Future[Any]], already: int | None = None) -> bool:
        """False when the error `already` says that somebody else did it, or we did and a broker had not heard of it."""
        for answer in answers.values():
            try:
                self._result(answer)
            except ClusterError as error:
                if already is None or not _is(error.__cause__, already):
                    raise
                return False
        return True

    def _result(self, answer: Future[Any]) -> Any:
        try:
            return answer.result(2 * _PATIENCE_S)
        except KafkaException as error:
            raise self._failed(error) from error

    def _failed(self, error: KafkaException) -> ClusterError:
        self._admin.poll(0)
        code = error.args[0]
        reason = f"Kafka at {self._where}: {code.str()}"
        if code.code() == KafkaError.INVALID_REPLICATION_FACTOR:
            reason += "; give --replication 1 where there is one broker"
        elif self._last_error is not None:
            reason += f" ({self._last_error.str()})"
        return ClusterError(reason)

    def _keep(self, error: KafkaError) -> None:
        """librdkafka tells its reasons here; what a call returns is often only that time ran out."""
        self._last_error = error


def _is(error: BaseException | None, code: int) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() == code
