"""`python -m tests.bench.ingest [READINGS]`: how fast `aqua-backend ingest` fills a table, against COPY.

Both fill `sensor_data.readings` of a real PostgreSQL with its four indexes, 5,000 rows a transaction, with the same
readings of twenty sensors. COPY gets them as text that is ready, from before and after the ingestion; the ingestion
gets them from a real Kafka, as Avro, decodes them, and keeps offsets and registry. All share the machine. Compare the
ratio; the database writes nothing through to the disk.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg

from agent.domain.clock import Instant
from agent.domain.reading import StoredReading
from cloud_sync.backend.database.migrate import migrate
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from tests.backend.ingest.stage import Stage, make_topics, until
from tests.bench.readings import Readings
from tests.services.kafka import Kafka
from tests.services.postgres import Postgres
from tests.services.registry import Registry

_BATCH = 5000
_NOON_US = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z


def main(readings: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = stack.enter_context(Kafka(folder / "kafka"))
        registry = stack.enter_context(Registry(folder / "registry"))
        postgres = stack.enter_context(Postgres(folder / "postgres"))
        make_topics(kafka)
        records = made(readings)
        chunks = [text_of(records[first : first + _BATCH]) for first in range(0, readings, _BATCH)]
        copies = [copied(postgres, chunks, readings)]
        dsn = stack.enter_context(postgres.fresh())
        stage = Stage(kafka, registry, dsn, folder)
        stack.callback(stage.close)
        stage.send(records)
        ingested, cpu_s, mib = ingest(stage, readings)
        copies.append(copied(postgres, chunks, readings))
    copy = statistics.mean(copies)
    print(f"COPY before and after     {copies[0]:9,.0f} {copies[1]:9,.0f} rows/s")
    print(f"aqua-backend ingest       {ingested:9,.0f} rows/s, {ingested / copy:.2f} of COPY")
    print(f"its CPU                   {cpu_s * 1e6:9.1f} µs a row")
    print(f"its memory at most        {mib:9.0f} MiB")


def made(count: int) -> list[Record]:
    """Readings of twenty sensors, a second apart."""
    source = Readings()
    found: list[Record] = []
    for second in range(-(-count // 20)):
        at = Instant(_NOON_US + second * 1_000_000, 10.0 + second, "boot-a", True)
        for checked in (*source.turn(0, at), *source.turn(1, at)):
            found.append(record(StoredReading(len(found) + 1, checked, "epoch-a"), "farm-1"))
    return found[:count]


def text_of(records: Sequence[Record]) -> str:
    """As COPY reads it."""
    return "".join("\t".join(map(_column, _columns(each))) + "\n" for each in records)


def _columns(one: Record) -> tuple[object, ...]:
    body = one.body
    names = ("time", "sensor_id", "tank_id", "sensor_type", "value", "quality_score")
    return (*(body[name] for name in names), json_bytes(body["metadata"]).decode())


def _column(value: object) -> str:
    return "\\N" if value is None else str(value).replace("\\", "\\\\")


def copied(postgres: Postgres, chunks: Sequence[str], readings: int) -> float:
    """Rows a second."""
    columns = "time, sensor_id, tank_id, sensor_type, value, quality_score, metadata"
    with postgres.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
        begun = time.monotonic()
        for chunk in chunks:
            with connection.cursor().copy(f"COPY sensor_data.readings ({columns}) FROM STDIN") as copy:
                copy.write(chunk)
        return readings / (time.monotonic() - begun)


def ingest(stage: Stage, readings: int) -> tuple[float, float, float]:
    """Rows a second from the first batch to the last, CPU seconds a row, and MiB at most."""
    process = stage.process("--batch-records", str(_BATCH)).start()
    first = until(lambda: process.metric(_ROWS), "the first batch", 60)
    begun, used_s = time.monotonic(), process.metric(_CPU)
    until(lambda: process.metric(_ROWS) == readings, "the last batch", 600)
    took, used_s = time.monotonic() - begun, process.metric(_CPU) - used_s
    status = Path(f"/proc/{process.child.pid}/status").read_text().splitlines()
    [peak] = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    assert stage.count() == readings
    return (readings - first) / took, used_s / (readings - first), peak / 1024


_CPU = "process_cpu_seconds_total"
_ROWS = 'aqua_ingest_rows_total{topic="sensor-readings"}'


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
