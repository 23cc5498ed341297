"""The sink's own limit: `python -m tests.bench.outage.bare KIND WHERE RECORDS`, where RECORDS are pickled batches.

For each line of its input it sends them all, one batch after the other, and prints how many records and how long.
"""

import asyncio
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from cloud_sync.contract.record import Record
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.http import HttpSink
from cloud_sync.uplink.interfaces import Sink
from tests.bench.outage.database import emptied, sink_of


def real_sink(kind: str, where: str) -> Sink:
    if kind == "timescale":
        return sink_of(where)
    if kind == "archive":
        return ArchiveSink(ArchiveSink.Settings(Path(where), leave_free_mb=0), "bench")
    return HttpSink(HttpSink.Settings(where, linger_s=0), "bench")


def bare_place(kind: str, where: str, turn: int) -> str:
    """A new folder each time, an empty database: neither writes a record that is there already."""
    if kind == "timescale":
        return emptied(where)
    return f"{where}-bare/{turn}" if kind == "archive" else where


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
    for turn, _ in enumerate(sys.stdin):
        sink = real_sink(kind, bare_place(kind, where, turn))
        await sink.open()
        print(sum(map(len, batches)), await send_all(sink, batches), flush=True)
        await sink.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
