"""`python -m tests.bench.outage.drain KIND WHERE FOLDER BOOT_S`: the cloud is back, the backlog goes, life goes on.

Prints a line of JSON. Rates are readings a second; `peak_mib` is the resident set's peak above that of the open store
and sink before the first batch, as the kernel keeps it, and what the process that packs had for itself (`helper_mib`).
Microseconds are of processor time a reading: of this process, of the one that packs, and of the bare client.
"""

import asyncio
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from agent.garbage import look_for_circles_seldom
from agent.store.store import Store
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.packing_help import PackingHelp
from tests.bench.outage.bare import real_sink
from tests.bench.outage.fill import SINKS, settings
from tests.bench.outage.watched import DrainClock, Rival, WatchedSink
from tests.bench.readings import Readings

_TURNS = 10


async def drain(kind: str, where: str, folder: Path, boot_s: float) -> dict[str, float]:
    with closing(sqlite3.connect(settings(folder).path)) as database:
        last = database.execute("SELECT max(seq) FROM readings").fetchone()[0]
        held = last - database.execute("SELECT min(seq) FROM readings").fetchone()[0] + 1
    clock = DrainClock(boot_s)
    store = Store(settings(folder), SINKS, clock)
    await store.recall(3600.0, lambda _: None)
    inner = real_sink(kind, where)
    await inner.open()
    idle_mib = _memory_mib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    with Rival(kind, where, folder / f"{kind}.pickle") as rival:
        crew = Crew(inner)
        sink = WatchedSink(inner, clock, rival, held, last, held // _TURNS, crew.processor_s)
        forwarder = Forwarder(kind, sink, store, "bench", clock)
        parts = (store.run(), forwarder.run(), _live(store, clock), crew.watch())
        tasks = [asyncio.ensure_future(part) for part in parts]
        await asyncio.wait([*tasks, asyncio.ensure_future(sink.drained.wait())], return_when=asyncio.FIRST_COMPLETED)
        peak_mib = _memory_mib("VmHWM") - idle_mib + crew.most_mib
        for task in tasks:
            if task.done():
                await task  # none of them ends but with what went wrong
            task.cancel()
        await asyncio.wait(tasks)
    await store.close()
    ratios = [mine / bare for mine, bare in zip(sink.rates, rival.rates, strict=True)]
    return {
        "forwarder": median(sink.rates),
        "bare": median(rival.rates),
        "ratio": median(ratios),
        "least_ratio": min(ratios),
        "bytes_a_reading": sink.bytes_on_line / sink.records,
        "peak_mib": peak_mib,
        "helper_mib": crew.most_mib,
        "forwarder_us": median(own for own, _ in sink.processor_us),
        "helper_us": median(other for _, other in sink.processor_us),
        "bare_us": median(rival.processor_us),
        "delay_median_s": median(sink.delays_s),
        "delay_most_s": max(sink.delays_s),
        "out_of_order": sink.out_of_order,
    }


async def _live(store: Store, clock: DrainClock) -> None:
    """Each probe once a second, as before the outage."""
    readings, due_s, turn = Readings(seed=2), clock.boot_s(), 0
    while True:
        while due_s <= clock.boot_s():
            store.put(readings.turn(turn % 2, clock.now()), [])
            due_s, turn = due_s + 0.5, turn + 1
        await asyncio.sleep(0.05)


class Crew:
    """Our process, and the one that packs as long as there is one: `most_mib` of memory were that one's alone."""

    def __init__(self, sink: Any) -> None:
        self._help: PackingHelp | None = sink._packer.help
        self._helper_s = 0.0
        self.most_mib = 0.0

    def processor_s(self) -> tuple[float, float]:
        """Of ours, and of the one that packs, until now."""
        return time.process_time(), self._helper_s

    async def watch(self) -> None:
        while True:
            if self._help is not None and self._help.process is not None:
                place = Path(f"/proc/{self._help.process.pid}")
                private = [line for line in (place / "smaps_rollup").read_text().splitlines() if "Private" in line]
                self.most_mib = max(self.most_mib, sum(int(line.split()[1]) for line in private) / 1024)
                self._helper_s = int((place / "schedstat").read_text().split()[0]) / 1e9
            await asyncio.sleep(0.02)


def _memory_mib(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


if __name__ == "__main__":
    look_for_circles_seldom()
    print(json.dumps(asyncio.run(drain(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])))))
