"""Readings to bytes, records a second on one core, best of seven: Avro by us, by fastavro, and JSON; and back.

`python -m tests.bench.encoding`
"""

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import fastavro

from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record
from cloud_sync.contract.schemas import schema, without_logical_types
from cloud_sync.contract.topics import SENSOR_READINGS
from tests.cloud_sync.things import records

PLAIN = fastavro.parse_schema(without_logical_types(schema(SENSOR_READINGS)))


def by_fastavro(record: Record) -> bytes:
    stream = io.BytesIO(b"\x00\x00\x00\x00\x07")
    stream.seek(5)
    fastavro.schemaless_writer(stream, PLAIN, {**record.body, "time": record.time_us}, strict=True)
    return stream.getvalue()


def per_second(work: Callable[[Any], Any], things: Sequence[Any]) -> float:
    best = float("inf")
    for _ in range(7):
        began = time.perf_counter()
        for thing in things:
            work(thing)
        best = min(best, time.perf_counter() - began)
    return len(things) / best


if __name__ == "__main__":
    made = records(1, 20_000)
    encode, decode = Encoder(SENSOR_READINGS, 7), Decoder(SENSOR_READINGS, lambda _: schema(SENSOR_READINGS))
    values = [encode(record) for record in made]
    assert values == [by_fastavro(record) for record in made]
    assert [decode(value) for value in values] == [record.body for record in made]
    print("| | a second | bytes each |\n|---|---:|---:|")
    for name, work in (
        ("Avro", encode),
        ("Avro by fastavro", by_fastavro),
        ("JSON", lambda record: json_bytes(record.body)),
    ):
        print(f"| {name} | {per_second(work, made):,.0f} | {len(work(made[0]))} |")
    print(f"| Avro back to bodies | {per_second(decode, values):,.0f} | |")
