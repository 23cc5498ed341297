"""Kafka, registry and database around an ingestion that runs as a process."""

import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import psycopg
from confluent_kafka import Consumer as Reader
from confluent_kafka import KafkaException, Message, Producer, TopicPartition
from psycopg import sql

from cloud_sync.backend.database.migrate import migrate
from cloud_sync.contract import rows
from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.record import Record
from cloud_sync.contract.registry import Registry as Schemas
from cloud_sync.contract.topics import SENSOR_READINGS_DLQ
from tests.services.kafka import Kafka
from tests.services.registry import Registry
from tests.services.service import free_port

ROOT = Path(__file__).parents[3]
PARTITIONS = 3
_ROOMY = {"queue.buffering.max.messages": 2_000_000, "compression.type": "zstd"}
T = TypeVar("T")


def until(look: Callable[[], T], what: str, within_s: float = 30.0, every_s: float = 0.05) -> T:
    """The first true answer of `look`. AssertionError when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what}: not within {within_s:g} s; seen last: {seen}"
        time.sleep(every_s)
    return seen


class Process:
    """`aqua-backend ingest`. What it says goes into a file."""

    def __init__(self, arguments: Sequence[str], folder: Path, name: str) -> None:
        self.port = free_port()
        self._log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "cloud_sync.backend", "ingest", "--port", str(self.port), *arguments]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def child(self) -> subprocess.Popen[bytes]:
        assert self._child is not None, "it was never started"
        return self._child

    def start(self) -> "Process":
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
        return self

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def stop(self, within_s: float = 60.0) -> int:
        """SIGTERM; its exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(within_s)

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (TimeoutError, OSError):
            return 0, ""

    def is_ready(self) -> bool:
        return self.ask("/ready")[0] == 200

    def metric(self, name: str, missing: float = 0.0) -> float:
        """The value of a line such as `aqua_ingest_rows_total{topic="sensor-readings"}`."""
        lines = self.ask("/metrics")[1].splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), missing)


class Stage:
    """One database, and the part of the topics that begins now: earlier tests' records are behind the offsets."""

    def __init__(self, kafka: Kafka, registry: Registry, dsn: str, folder: Path) -> None:
        self.kafka, self.registry, self.dsn = kafka, registry, dsn
        self.group = f"ingest-{folder.name}-{random.randrange(1 << 30)}"
        self._folder = folder
        self._processes: list[Process] = []
        (folder / "dsn").write_text(dsn)
        (folder / "kafka.properties").write_text("session.timeout.ms=6000\nheartbeat.interval.ms=500\n")
        with self.schemas() as schemas:
            self.ids = {topic: schemas.register(topic) for topic in (*rows.TOPICS, SENSOR_READINGS_DLQ)}
        self.database = self.connect()
        migrate(self.database)
        for topic in rows.TOPICS:
            for partition, end in self.ends(topic).items():
                self.database.execute(
                    "INSERT INTO aqua.offsets VALUES (%s, %s, %s, %s)", [self.group, topic, partition, end]
                )

    def connect(self) -> psycopg.Connection[Any]:
        self.database = psycopg.connect(self.dsn, autocommit=True)
        return self.database

    def count_attempts(self, row_s: float = 0.0) -> None:
        """From now on: rows that committed transactions tried to insert, also such that were there already. Each row
        takes so long.
        """
        self.database.execute(
            """CREATE TABLE public.attempts (row_s FLOAT8);
               CREATE FUNCTION public.attempted() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_sleep(TG_ARGV[0]::float8); INSERT INTO public.attempts VALUES (TG_ARGV[0]::float8);
                  RETURN NEW; END $$"""
        )
        self.database.execute(
            sql.SQL(
                """CREATE TRIGGER attempted BEFORE INSERT ON sensor_data.readings
                   FOR EACH ROW EXECUTE FUNCTION public.attempted({})"""
            ).format(sql.Literal(str(row_s)))
        )

    def attempts(self) -> int:
        return self.count("public.attempts")

    def process(self, *options: str, **replaced: str) -> Process:
        """One that is not started. `replaced`: other options than the usual, such as `registry=URL`."""
        usual = {
            "bootstrap": self.kafka.bootstrap,
            "security-file": str(self._folder / "kafka.properties"),
            "registry": self.registry.url,
            "dsn-file": str(self._folder / "dsn"),
            "group": self.group,
            "batch-age-s": "0.1",
            "refresh-s": "0.5",
            **replaced,
        }
        arguments = [f"--{name}={value}" for name, value in usual.items()]
        process = Process([*arguments, *options], self._folder, f"ingest-{len(self._processes)}")
        self._processes.append(process)
        return process

    def run(self, *options: str, **replaced: str) -> Process:
        """One that is ready."""
        process = self.process(*options, **replaced).start()
        until(process.is_ready, f"ready; it said:\n{process.said}")
        return process

    def schemas(self) -> Schemas:
        return Schemas(Schemas.Settings(self.registry.url))

    def send(self, records: Iterable[Record]) -> None:
        """Spread over the partitions in turn."""
        encoders = {topic: Encoder(topic, schema_id) for topic, schema_id in self.ids.items()}
        self.send_bytes(
            (record.topic, index % PARTITIONS, encoders[record.topic](record)) for index, record in enumerate(records)
        )

    def send_bytes(self, values: Iterable[tuple[str, int, bytes | None]]) -> None:
        """To topic and partition; all are there when this returns."""
        failed: list[object] = []
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap, "linger.ms": 5, "log_level": 0} | _ROOMY)
        for topic, partition, value in values:
            producer.produce(
                topic,
                key=b"key",
                value=value,
                partition=partition,
                on_delivery=lambda error, _: failed.append(error) if error else None,
            )
        assert producer.flush(30) == 0
        assert not failed

    def ask(self, question: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        return self.database.execute(question, values).fetchall()

    def count(self, table: str = "sensor_data.readings") -> int:
        question = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
        [[number]] = self.database.execute(question).fetchall()
        return int(number)

    def read_to_the_end(self, topic: str) -> bool:
        """Whether all of the topic is behind the offsets."""
        offsets = dict(
            self.ask(
                "SELECT partition, next_offset FROM aqua.offsets WHERE consumer_group = %s AND topic = %s",
                self.group, topic,
            )
        )  # fmt: skip
        return offsets == self.ends(topic)

    def all_read(self, within_s: float = 40.0) -> None:
        """Returns when all that is in the topics now is behind the offsets."""
        said = self._processes[-1].said if self._processes else ""
        for topic in rows.TOPICS:
            until(lambda topic=topic: self.read_to_the_end(topic), f"{topic} is read; {said}", within_s)  # type: ignore[misc]

    def ends(self, topic: str) -> dict[int, int]:
        reader = Reader({"bootstrap.servers": self.kafka.bootstrap, "group.id": "nobody", "log_level": 0})
        try:
            places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
            return {place.partition: reader.get_watermark_offsets(place, timeout=10)[1] for place in places}
        finally:
            reader.close()

    def dead_letters(self) -> list[dict[str, Any]]:
        """Those of this stage's topic, as their schema has them."""
        with self.schemas() as schemas:
            decode = Decoder(SENSOR_READINGS_DLQ, schemas.schema)
            letters = [self._letter(decode, raw) for raw in self.kafka.records(SENSOR_READINGS_DLQ)]
        return [letter for letter in letters if letter["consumer"] == self.group]

    def _letter(self, decode: Decoder, raw: Message) -> dict[str, Any]:
        value = raw.value()
        assert value is not None
        return decode(value)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        self.database.close()


def make_topics(kafka: Kafka) -> None:
    """Those that are missing."""
    try:
        kafka.create(*rows.TOPICS, SENSOR_READINGS_DLQ, partitions=PARTITIONS)
    except KafkaException as error:
        raise AssertionError(f"a broker of these tests' own: {error}") from error
