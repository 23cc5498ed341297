"""What arrived in the sinks, held against what the ring buffer stored."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Mapping
from json import loads
from pathlib import Path
from typing import Any

from tests.system.processes import Gateway
from tests.system.waiting import until

Record = Mapping[str, Any]
Reading = tuple[str, str, float | None, int]
"""Sensor, time, value and flag."""


def archived(folder: Path, topic: str = "sensor-readings") -> list[Record]:
    """Every line of the archive; none while one of its files is being written."""
    try:
        texts = [gzip.decompress(path.read_bytes()) for path in sorted((folder / topic).glob("*.jsonl.gz"))]
    except (EOFError, OSError, zlib.error):
        return []
    return [loads(line) for text in texts for line in text.splitlines()]


def readings_of(records: Iterable[Record], upto: int) -> list[Reading]:
    """The readings among the records, in the order of their identity."""
    readings = (record for record in records if "sensor_type" in record and record["metadata"]["sequence"] <= upto)
    return sorted((r["sensor_id"], r["time"], r["value"], r["metadata"]["flag"]) for r in readings)


def stored(gateway: Gateway, upto: int) -> list[Reading]:
    rows = gateway.rows("SELECT sensor_id, time_utc, value, flag FROM reading WHERE seq <= ?", upto)
    return sorted(tuple(row) for row in rows)


async def all_is_delivered(gateway: Gateway, records: Callable[[], list[Record]], within_s: float = 60.0) -> None:
    """Everything stored until now arrives in that sink: each reading once, as it was stored, none missing."""
    upto = gateway.stored()
    assert upto, "nothing is stored, so nothing could arrive"
    arrived = await until(
        lambda: [r for r in records() if r["metadata"]["sequence"] >= upto and "sensor_type" in r] and records(),
        within_s,
        f"reading {upto} arrives",
    )
    readings = readings_of(arrived, upto)
    identities = {reading[:2] for reading in readings}
    assert len(identities) == len(readings)
    assert readings == stored(gateway, upto)
