"""The sink's own limit: `python -m tests.bench.outage.bare KIND WHERE RECORDS`, where RECORDS are pickled batches.

For each line of its input it sends them all, one batch after the other, and prints how many records, how long it took,
and how much of that it had a processor, both in seconds.
KIND kafka-bare uses none of our code: a plain producer, with our sink's settings, writes bytes that were ready before.
"""

import asyncio
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from confluent_kafka import Producer

from agent.garbage import look_for_circles_seldom
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.record import Record
from cloud_sync.contract.registry import Registry
from cloud_sync.contract.topics import SENSOR_READINGS
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.http import HttpSink
from cloud_sync.uplink.interfaces import Sink
from cloud_sync.uplink.kafka import KafkaSink
from cloud_sync.uplink.kafka_settings import KafkaSettings
from tests.bench.outage.database import emptied, sink_of


def real_sink(kind: str, where: str) -> Sink:
    if kind == "timescale":
        return sink_of(where)
    if kind.startswith("kafka"):
        return KafkaSink(kafka_settings(where), "bench")
    if kind == "archive":
        return ArchiveSink(ArchiveSink.Settings(Path(where), leave_free_mb=0), "bench")
    return HttpSink(HttpSink.Settings(where, linger_s=0), "bench")


def bare_place(kind: str, where: str, turn: int) -> str:
    """A new folder each time, an empty database: neither writes a record that is there already."""
    if kind == "timescale":
        return emptied(where)
    return f"{where}-bare/{turn}" if kind == "archive" else where


def kafka_settings(where: str) -> KafkaSettings:
    """`where` is the broker and, after a blank, the registry."""
    broker, registry = where.split()
    return KafkaSettings(bootstrap_servers=broker, registry_url=registry, tls=False, linger_s=0)


class PlainProducer:
    """Does what a script would: produce everything, poll now and then, flush at the end."""

    def __init__(self, where: str, batches: Sequence[Sequence[Record]]) -> None:
        settings = kafka_settings(where)
        with Registry(settings.registry()) as registry:
            encode = Encoder(SENSOR_READINGS, registry.id_of(SENSOR_READINGS))
        self._ready = [(record.key, encode(record), _headers(record)) for batch in batches for record in batch]
        own = {"queue.buffering.max.messages": 1_000_000, "linger.ms": 100}
        self._producer = Producer({**settings.librdkafka("bench"), **own})
        self._producer.list_topics(timeout=10)

    def send_all(self) -> float:
        """Seconds."""
        produce, poll = self._producer.produce, self._producer.poll
        began = time.monotonic()
        for number, (key, value, headers) in enumerate(self._ready):
            produce(SENSOR_READINGS, value, key, headers=headers)
            if number % 1000 == 0:
                poll(0)
        assert self._producer.flush(60) == 0
        return time.monotonic() - began


def _headers(record: Record) -> list[tuple[str, str | bytes | None]]:
    metadata = record.body["metadata"]
    return [("gateway", "bench"), ("epoch", metadata["epoch"]), ("sequence", str(metadata["sequence"]))]


async def send_all(sink: Sink, batches: Sequence[Sequence[Record]]) -> float:
    """Seconds."""
    began = time.monotonic()
    for batch in batches:
        await sink.send(batch)
    return time.monotonic() - began


def load(path: Path) -> Iterator[Sequence[Record]]:
    with path.open("rb") as file:
        while file.peek(1):
            yield pickle.load(file)  # noqa: S301 - from our own sibling


async def main(kind: str, where: str, path: Path) -> None:
    batches = list(load(path))
    look_for_circles_seldom()  # as the gateway does, and not in these
    if kind == "kafka-bare":
        plain = PlainProducer(where, batches)
        for _ in sys.stdin:
            began_s = time.process_time()
            print(sum(map(len, batches)), plain.send_all(), time.process_time() - began_s, flush=True)
        return
    for turn, _ in enumerate(sys.stdin):
        sink = real_sink(kind, bare_place(kind, where, turn))
        await sink.open()
        began_s = time.process_time()
        print(sum(map(len, batches)), await send_all(sink, batches), time.process_time() - began_s, flush=True)
        await sink.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
