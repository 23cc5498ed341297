"""Apache Kafka as one KRaft process, broker and controller: plain, or with every way a client can prove who it is."""

import base64
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.services import downloads
from tests.services.service import HOST, Service, ServiceFailed, free_port, listens

# A killed broker comes back only after its former session has ended, which is 9 s by default.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.partitions=3
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=3000
"""
# Compiled only lightly and collected by one thread: a broker that lives for seconds starts in half the time so.
_JVM = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class Kafka(Service):
    """A broker without any security, at `bootstrap`. Topics are not made by writing to them."""

    name = "Apache Kafka"
    protocols: Mapping[str, str] = {"PLAINTEXT": "PLAINTEXT"}  # listener → its protocol

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder)
        self._ports = {listener: free_port() for listener in self.protocols}
        self._ports["PLAINTEXT"] = port or self._ports["PLAINTEXT"]
        self._controller = free_port()

    @property
    def bootstrap(self) -> str:
        """host:port of the listener that asks for nothing."""
        return self.at("PLAINTEXT")

    @property
    def address(self) -> str:
        return self.bootstrap

    def at(self, listener: str) -> str:
        """host:port of a listener."""
        return f"{HOST}:{self.port(listener)}"

    def port(self, listener: str) -> int:
        return self._ports[listener]

    def advertised(self, listener: str) -> str:
        """host:port at which the brokers send clients of the listener on."""
        return self.at(listener)

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def create(self, *topics: str, partitions: int = 3, config: Mapping[str, str] | None = None) -> None:
        """Raises KafkaException when one of them is there already."""
        wanted = [NewTopic(topic, partitions, 1, config=dict(config or {})) for topic in topics]
        admin = self.admin()  # kept until the answers are there: they die with it
        for made in admin.create_topics(wanted).values():
            made.result(10)

    def records(self, topic: str, within_s: float = 20.0) -> list[Message]:
        """All a reader of committed records sees in the topic now, by partition and offset.

        Raises ServiceFailed when the end of a partition is not reached in time.
        """
        reader = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "nobody",  # asked for by the library; partitions are assigned and nothing is committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        found: list[Message] = []
        deadline = time.monotonic() + within_s
        try:
            unread = set(reader.list_topics(topic, timeout=within_s).topics[topic].partitions)
            reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in unread])
            while unread:
                if time.monotonic() > deadline:
                    raise ServiceFailed(f"{topic}: no end of partitions {unread} within {within_s:g} s")
                for message in reader.consume(1000, timeout=0.1):
                    error = message.error()
                    if error is None:
                        found.append(message)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        unread.discard(message.partition())
                    elif not error.retriable():
                        raise KafkaException(error)
        finally:
            reader.close()
        return sorted(found, key=lambda message: (message.partition(), message.offset()))

    def properties(self) -> str:
        """The whole server.properties."""
        protocols = {"CONTROLLER": "PLAINTEXT", **self.protocols}
        addresses = ",".join(f"{listener}://{self.at(listener)}" for listener in self.protocols)
        told = ",".join(f"{listener}://{self.advertised(listener)}" for listener in self.protocols)
        return _PROPERTIES.format(host=HOST, controller=self._controller, data=self.folder / "data") + (
            f"listeners={addresses},CONTROLLER://{HOST}:{self._controller}\n"
            f"advertised.listeners={told}\n"
            f"listener.security.protocol.map={','.join(f'{name}:{kind}' for name, kind in protocols.items())}\n"
        )

    def prepare(self) -> None:
        self._file.write_text(self.properties())
        formatted = self.folder / "data" / "meta.properties"
        if not formatted.exists():
            shutil.rmtree(self.folder / "data", ignore_errors=True)  # of a format that was cut
            self._format()

    def command(self) -> Sequence[str]:
        return self._java("kafka.Kafka", str(self._file))

    def answers(self) -> bool:
        if not listens(self._ports["PLAINTEXT"]):
            return False
        try:
            return bool(self.admin().list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    @property
    def _file(self) -> Path:
        return self.folder / "server.properties"

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._file))
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise ServiceFailed(f"{self.name} could not format {self.folder}:\n{done.stdout}{done.stderr}")

    def _java(self, main: str, *arguments: str) -> list[str]:
        logging = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [downloads.JAVA, *_JVM, logging, "-cp", f"{downloads.kafka()}/*", main, *arguments]
