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
from cloud_sync.contract.lines import COPY, line
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.topics import SENSOR_READINGS
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
        lines = [line(each.body) for each in records]
        chunks = ["".join(lines[first : first + _BATCH]) for first in range(0, readings, _BATCH)]
        copies = [copied(postgres, chunks, readings)]
        dsn = stack.enter_context(postgres.fresh())
        stage = Stage(kafka, registry, dsn, folder)
        stack.callback(stage.close)
        stage.send(records)
        ingested, theirs_s, own_s, mib = ingest(stage, readings)
        copies.append(copied(postgres, chunks, readings))
    rates, used_s = zip(*copies, strict=True)
    print(f"COPY before and after     {rates[0]:9,.0f} {rates[1]:9,.0f} rows/s")
    print(f"aqua-backend ingest       {ingested:9,.0f} rows/s, {ingested / statistics.mean(rates):.2f} of COPY")
    print(
        f"PostgreSQL's CPU          {statistics.mean(used_s) * 1e6:9.1f} {theirs_s * 1e6:9.1f} µs a row: COPY, ingest"
    )
    print(f"its own CPU               {own_s * 1e6:9.1f} µs a row")
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


def copied(postgres: Postgres, chunks: Sequence[str], readings: int) -> tuple[float, float]:
    """Rows a second, and seconds of PostgreSQL's CPU a row."""
    with postgres.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
        begun, used_s = time.monotonic(), cpu_s(connection.info.backend_pid)
        for chunk in chunks:
            with connection.cursor().copy(COPY[SENSOR_READINGS]) as copy:
                copy.write(chunk)
        took, used_s = time.monotonic() - begun, cpu_s(connection.info.backend_pid) - used_s
        return readings / took, used_s / readings


def ingest(stage: Stage, readings: int) -> tuple[float, float, float, float]:
    """From the first batch to the last: rows a second, seconds of PostgreSQL's CPU a row, and of its own. Then MiB at
    most.
    """
    process = stage.process("--batch-records", str(_BATCH)).start()
    first = until(lambda: process.metric(_ROWS), "the first batch", 60)
    [(backend,)] = stage.ask(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'aqua-backend' ORDER BY backend_start LIMIT 1"
    )
    begun, theirs_s, own_s = time.monotonic(), cpu_s(backend), process.metric(_CPU)
    until(lambda: process.metric(_ROWS) == readings, "the last batch", 600, every_s=0.25)
    took, theirs_s, own_s = time.monotonic() - begun, cpu_s(backend) - theirs_s, process.metric(_CPU) - own_s
    status = Path(f"/proc/{process.child.pid}/status").read_text().splitlines()
    [peak] = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    assert stage.count() == readings
    rows = readings - first
    return rows / took, theirs_s / rows, own_s / rows, peak / 1024


def cpu_s(pid: int) -> float:
    """How long the process has been on a processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


_CPU = "process_cpu_seconds_total"
_ROWS = 'aqua_ingest_rows_total{topic="sensor-readings"}'


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
