"""How fast a long outage drains: `python -m tests.cloud_sync.drain [READINGS]`.

The forwarder feeds a sink from a backlog that makes its entries as it is asked, as the ring buffer does; the bare
client sends the same records, made beforehand, in a loop of nothing but `send`. The HTTP server is another process.
Prints a table: readings a second, the share of the bare client's speed, and by how much the process grew.
"""

import asyncio
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from agent.clock import SystemClock
from agent.domain.clock import Instant
from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.http import HttpSink
from cloud_sync.uplink.interfaces import Lane, Rejection, Sink, Taken
from tests.cloud_sync.scripted import Drained
from tests.cloud_sync.things import EPOCH, GATEWAY, NOON_US, OXYGEN, WARMTH

_ROUNDS = 3
_SERVER = """
import gzip, json, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))))
        time.sleep(len(body["records"]) * float(sys.argv[1]))
        self.answer()

    def do_OPTIONS(self):
        self.answer()

    def answer(self):
        self.wfile.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def entry(seq: int) -> StoredReading:
    at = Instant(NOON_US + seq * 50_000, seq / 20, "boot-a", True)
    sensor = WARMTH if seq % 2 else OXYGEN
    return StoredReading(seq, CheckedReading(Reading(sensor, at, seq % 97 / 7), Flag.GOOD, 1.0, "11111", None), EPOCH)


class LongOutage:
    """Fits `Backlog`: readings 1 to `last` wait in the BACKLOG lane."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._settled = 0

    async def take(self, sink: str, lane: Lane, limit: int, beyond: int = 0, patient: bool = False) -> Taken:
        after = max(self._settled, beyond)
        wanted = range(after + 1, min(after + limit, self._last) + 1) if lane is Lane.BACKLOG else range(0)
        return Taken(after, await asyncio.to_thread(lambda: [entry(seq) for seq in wanted]))

    async def settle(self, sink: str, lane: Lane, after: int, upto: int, rejected: Sequence[Rejection]) -> None:
        assert after == self._settled and not rejected
        self._settled = await asyncio.to_thread(lambda: upto)

    async def wait(self, seconds: float) -> None:
        assert self._settled == self._last
        raise Drained


async def bare(sink: Sink, batches: Sequence[Sequence[Record]]) -> float:
    await sink.open()
    began = time.perf_counter()
    for batch in batches:
        await sink.send(batch)
    seconds = time.perf_counter() - began
    await sink.close()
    return seconds


async def forwarded(sink: Sink, last: int) -> float:
    began = time.perf_counter()
    try:
        await Forwarder("sink", sink, LongOutage(last), GATEWAY, SystemClock()).run()
    except Drained:
        return time.perf_counter() - began
    raise AssertionError("unreachable")


def resident_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def compare(name: str, make: Callable[[], Sink], last: int) -> None:
    """One row of the table, the best of some rounds. The forwarder goes first, since the most memory ever used is what
    is known.
    """
    gc.collect()
    idle = resident_mib()
    through_forwarder = await forwarded(make(), last)
    grown = resident_mib() - idle
    size = make().batching.limit
    rows = [record(entry(seq), GATEWAY) for seq in range(1, last + 1)]
    batches = [rows[at : at + size] for at in range(0, len(rows), size)]
    by_itself = await bare(make(), batches)
    for _ in range(_ROUNDS - 1):
        through_forwarder = min(through_forwarder, await forwarded(make(), last))
        by_itself = min(by_itself, await bare(make(), batches))
    rates = f"{last / by_itself:,.0f} | {last / through_forwarder:,.0f}"
    print(f"| {name} | {rates} | {by_itself / through_forwarder:.0%} | {grown:.1f} |", flush=True)


def http(last: int, a_record_s: float) -> None:
    """Against a server that needs so long for each record besides reading it."""
    server = subprocess.Popen([sys.executable, "-c", _SERVER, str(a_record_s)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        settings = HttpSink.Settings(f"http://127.0.0.1:{int(server.stdout.readline())}/")
        name = f"http, {a_record_s * 1e6:.0f} µs a record"
        asyncio.run(compare(name, lambda: HttpSink(settings, GATEWAY), last))
    finally:
        server.terminate()
        server.wait()


def archive(last: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        names = (Path(folder, str(number)) for number in count())
        asyncio.run(compare("archive", lambda: ArchiveSink(ArchiveSink.Settings(next(names)), GATEWAY), last))


def main(last: int) -> None:
    print("| sink | bare client, readings/s | forwarder, readings/s | share | grown by, MiB |")
    print("|---|---:|---:|---:|---:|")
    for a_record_s in (100e-6, 50e-6, 0.0):
        http(last, a_record_s)
    archive(last)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
