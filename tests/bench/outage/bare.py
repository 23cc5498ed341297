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


def real_sink(kind: str, where: str) -> Sink:
    if kind != "archive":
        return HttpSink(HttpSink.Settings(where, linger_s=0), "bench")
    return ArchiveSink(ArchiveSink.Settings(Path(where), leave_free_mb=0), "bench")


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
        # A new folder each time: the archive writes no record that is there already.
        sink = real_sink(kind, f"{where}-bare/{turn}" if kind == "archive" else where)
        await sink.open()
        print(sum(map(len, batches)), await send_all(sink, batches), flush=True)
        await sink.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
