"""What the ring buffer wears off its card: `python -m tests.bench.wear [--commits 720] [--real-time]`.

The real store and the real forwarders, 20 readings a second, on a small ext4 whose image lies in memory; the kernel
counts the sectors that reach it, the file system's own journal included. Simulated time passes as fast as the work
gets done, except that the kernel does in simulated time what it does by itself; --real-time measures one row as it
is, to compare. Where this user may not mount, /proc/self/io counts instead, which knows nothing of the journal.
"""

import argparse
import asyncio
import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from agent.domain.clock import Instant
from agent.store.store import Store, StoreSettings
from cloud_sync.contract.record import Record
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, Delivery, Lane, Sink
from tests.bench.readings import PER_SECOND, Readings
from tests.bench.simulated_time import RealTime, SimulatedTime
from tests.system.loop_disk import LoopDisk

CARD_GB, ERASURES, AMPLIFICATION = 32, 500, 10
"""Assumed: what the card's cells bear, and how much more the card writes inside than it is told to."""

BUDGET_BYTES, BUDGET_WINDOW_S = 300, 5.0
_COMMITS_S = (1.0, 2.0, 5.0, 10.0)
_RING_MB, _DISK_MB = 32, 128
_FILE = "ring-buffer.sqlite"
_JOURNAL_S, _SELDOM_S = 5, 60
"""How often ext4 commits its journal: by itself, and on a card that is mounted with `commit=60`."""
_TICK_S = 0.5
"""So much later it does, since a kernel's second is full then."""
_WRITE_BACK_S = 32.5
"""Pages that nobody synced, as of the log's index, are written when they have waited for 30 to 35 seconds."""
_WARM_UP_S = 60.0
_A_LOT = 20_000
_REAL_S = 600.0


class Disk(Protocol):
    """Where the ring buffer is, in folder `path`."""

    path: Path

    def commit_journal(self) -> None: ...
    def written(self) -> int:
        """Bytes so far, when all that waits is written."""
        ...


class OwnWrites:
    """Counts what this process gave to the page cache: for want of a disk of our own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def commit_journal(self) -> None:
        """The file system is not ours."""

    def written(self) -> int:
        lines = Path("/proc/self/io").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("write_bytes")).split()[1])


@dataclass(frozen=True, slots=True)
class House:
    """What is measured: the store's beat, with or without sinks (an archive's real files among them, if
    `archive`), and whether the ring has come full circle.
    """

    commit_s: float
    sinks: bool = True
    full: bool = True
    archive: bool = False
    journal_s: int = _JOURNAL_S


class Accepting:
    """A sink that takes everything: what it settles is what wears."""

    def __init__(self, batching: Batching) -> None:
        self.batching = batching

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    async def send(self, batch: Sequence[Record]) -> Delivery:
        return Delivery()


class Kernel:
    """What it does on `disk` by itself and in its own time, from `now_s` on by a clock that is not its own."""

    def __init__(self, disk: Disk, now_s: float, journal_s: float) -> None:
        self._disk = disk
        self._journal_s = journal_s
        self._written_back_s = now_s
        self._committed_ns = self._changed_ns()
        self._since_s: float | None = None

    def look(self, now_s: float) -> None:
        if now_s >= self._written_back_s + _WRITE_BACK_S:
            self._disk.written()
            self._committed_ns, self._since_s, self._written_back_s = self._changed_ns(), None, now_s
        elif self._since_s is None:
            self._since_s = now_s if self._changed_ns() != self._committed_ns else None
        elif now_s >= self._since_s + self._journal_s + _TICK_S:
            self._disk.commit_journal()
            self._committed_ns, self._since_s = self._changed_ns(), None

    def _changed_ns(self) -> int:
        """Every write changes a file's time, and that is what the journal holds."""
        return max((part.stat().st_mtime_ns for part in self._disk.path.rglob("*")), default=0)


@contextmanager
def a_disk(journal_s: int = _JOURNAL_S) -> Iterator[Disk]:
    with ExitStack() as closing:
        memory = Path(closing.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        try:
            disk: Disk = closing.enter_context(LoopDisk(memory / "card.img", memory / "card", _DISK_MB, journal_s))
        except OSError:
            disk = OwnWrites(Path(closing.enter_context(tempfile.TemporaryDirectory(dir="."))))
        yield disk


async def bytes_per_reading(house: House, disk: Disk, seconds: float, real: bool = False) -> float:
    """What a reading costs in that house, measured over `seconds` after a warm-up."""
    sinks = _sinks(house, disk.path)
    time = RealTime() if real else SimulatedTime()
    store = Store(StoreSettings(disk.path / _FILE, _RING_MB, house.commit_s), list(sinks), time)
    readings = Readings()
    await _put(store, readings, time.now(), 4)  # the write-ahead log gets its size
    parts = [store.run(), *(Forwarder(name, sink, store, "bench", time).run() for name, sink in sinks.items())]
    running = [asyncio.ensure_future(part) for part in parts]
    kernel = None if real else Kernel(disk, time.boot_s(), house.journal_s)
    await _live(store, readings, time, kernel, _WARM_UP_S)
    before = disk.written()
    await _live(store, readings, time, kernel, seconds)
    written = disk.written() - before
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    await store.close()
    return written / (seconds * PER_SECOND)


async def fill_ring(folder: Path, sinks: Sequence[str]) -> None:
    """A ring buffer that has come full circle, and of which every sink has everything."""
    time = SimulatedTime()
    store, readings = Store(StoreSettings(folder / _FILE, _RING_MB), sinks, time), Readings()
    for lot in range(_RING_MB * 1_000_000 // 30 // _A_LOT):
        await _put(store, readings, time.now(), 1)
        for sink in sinks:
            await store.settle(sink, Lane.LIVE, lot * _A_LOT, (lot + 1) * _A_LOT, ())
    await store.close()


async def _put(store: Store, readings: Readings, now: Instant, lots: int) -> None:
    for _ in range(lots):
        store.put([one for _ in range(_A_LOT // 10) for one in readings.turn(0, now)], [])
        await store.commit()


def _sinks(house: House, folder: Path) -> dict[str, Sink]:
    if not house.sinks:
        return {}
    archive: Sink = Accepting(Batching(1000, linger_s=30.0))
    if house.archive:
        archive = ArchiveSink(ArchiveSink.Settings(folder / "archive", leave_free_mb=0), "bench")
    return {"archive": archive, "http": Accepting(Batching(500))}


async def _live(
    store: Store, readings: Readings, time: SimulatedTime | RealTime, kernel: Kernel | None, seconds: float
) -> None:
    """Each probe has its turn once a second; an alarm is raised every ten minutes, and cleared five later."""
    for second in range(round(seconds)):
        for probe in (0, 1):
            now = time.now()
            changes = [readings.change(now)] if second % 300 == 150 and probe == 0 else []
            store.put(readings.turn(probe, now), changes)
            await time.go_on(0.5, lambda: store._call(_nothing))
            if kernel is not None:
                kernel.look(time.boot_s())


def _nothing() -> None:
    """In the store's thread it comes after all that was asked of it before."""


def measured(house: House, seconds: float, real: bool = False) -> float:
    with a_disk(house.journal_s) as disk:
        if house.full:
            for part in _full_ring(house.sinks).iterdir():
                shutil.copy(part, disk.path)
        return asyncio.run(bytes_per_reading(house, disk, seconds, real))


@cache
def _full_ring(sinks: bool) -> Path:
    """The folder of one that is filled once and copied often."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    atexit.register(shutil.rmtree, folder)
    asyncio.run(fill_ring(folder, ["archive", "http"] if sinks else []))
    return folder


def by_commit(commits: int) -> None:
    """The technician's table."""
    card = f"{CARD_GB} GB card of {ERASURES} erasures, writing {AMPLIFICATION} times inside"
    print(f"\n{PER_SECOND} readings a second, {commits} commits a figure; {card}\n")
    print("Bytes that reach the device a reading; the last four columns are for a full ring with two sinks.\n")
    print("| commit_s | filling, no sink | filling, two sinks | full, no sink | full, two sinks "
          "| MB a day | GB a year | years of the card | lost at a power cut |")  # fmt: skip
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    rows = [(commit_s, _JOURNAL_S) for commit_s in _COMMITS_S] + [(BUDGET_WINDOW_S, _SELDOM_S)]
    for commit_s, journal_s in rows:
        houses = [
            House(commit_s, sinks, full, journal_s=journal_s) for full in (False, True) for sinks in (False, True)
        ]
        costs = [measured(house, commits * commit_s) for house in houses]
        name = f"{commit_s:g}" + (f", card mounted with commit={journal_s}" if journal_s != _JOURNAL_S else "")
        cells = [name, *(f"{cost:.0f}" for cost in costs), *_wear(costs[-1]), f"≤ {commit_s:g} s"]
        print(f"| {' | '.join(cells)} |", flush=True)
    archive = measured(House(BUDGET_WINDOW_S, archive=True), commits * BUDGET_WINDOW_S)
    print(f"\nWith the archive's own files on the card, commit_s = {BUDGET_WINDOW_S:g}: {archive:.0f} bytes a reading")


def _wear(cost: float) -> list[str]:
    a_day = cost * PER_SECOND * 86_400
    years = CARD_GB * 1e9 * ERASURES / AMPLIFICATION / (a_day * 365)
    return [f"{a_day / 1e6:.0f}", f"{a_day * 365 / 1e9:.0f}", f"{years:.1f}"]


def in_real_time() -> None:
    """The budget's own row, second by second, beside what simulated time says of the same stretch."""
    house = House(BUDGET_WINDOW_S, journal_s=_SELDOM_S)
    real, simulated = measured(house, _REAL_S, real=True), measured(house, _REAL_S)
    print(f"\n{_REAL_S:.0f} s, full ring, two sinks, commit_s = {house.commit_s:g}, commit={house.journal_s}: "
          f"{real:.0f} bytes a reading in real time, {simulated:.0f} in simulated time "
          f"(× {simulated / real:.2f}); the budget is {BUDGET_BYTES}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.wear")
    parser.add_argument("--commits", type=int, default=720, help="for each figure")
    parser.add_argument("--real-time", action="store_true", help="measure one row in real time, too: eleven minutes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # or the disk would stay mounted
    with a_disk() as disk:
        if isinstance(disk, OwnWrites):
            print(f"User {os.getuid()} may not mount here: these are /proc/self/io's bytes, without ext4's journal.")
    by_commit(options.commits)
    if options.real_time:
        in_real_time()


if __name__ == "__main__":
    main()
