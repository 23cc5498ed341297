"""What stands between the forwarder and the sink in this bench: a stopwatch, and a turnstile for the bare client."""

import asyncio
import pickle
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.domain.clock import Instant
from cloud_sync.contract.record import Record
from cloud_sync.uplink.interfaces import Batching, Delivery, PacksAhead, Sink

_SO_MANY_BATCHES = 40
"""Are what the bare client sends in its turn."""


class DrainClock:
    """Implements `agent.domain.clock.Clock` from `boot_s` on; stands still while the bare client has its turn."""

    def __init__(self, boot_s: float) -> None:
        self._ahead_s = boot_s - time.monotonic()
        self._stopped_s: float | None = None

    def boot_s(self) -> float:
        return (time.monotonic() if self._stopped_s is None else self._stopped_s) + self._ahead_s

    def now(self) -> Instant:
        boot_s = self.boot_s()
        return Instant(
            1_795_435_200_000_000 + round(boot_s * 1e6), boot_s, "00000000-0000-4000-8000-000000000001", True
        )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def stop(self) -> None:
        self._stopped_s = time.monotonic()

    def go_on(self) -> None:
        assert self._stopped_s is not None
        self._ahead_s -= time.monotonic() - self._stopped_s
        self._stopped_s = None


class Rival:
    """The bare client in a process of its own; `rates` are those of its turns, in records a second."""

    def __init__(self, kind: str, where: str, records: Path) -> None:
        self._command = [sys.executable, "-m", "tests.bench.outage.bare", kind, where, str(records)]
        self._records = records
        self._batches = 0
        self._process: subprocess.Popen[str] | None = None
        self.rates: list[float] = []
        self.processor_us: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()

    def learn(self, batch: Sequence[Record]) -> None:
        """The first batches are its own."""
        if self._batches < _SO_MANY_BATCHES:
            self._batches += 1
            with self._records.open("ab") as file:
                pickle.dump(list(batch), file)

    def take_a_turn(self) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("go\n")
        records, seconds, processor_s = self._process.stdout.readline().split()
        self.rates.append(int(records) / float(seconds))
        self.processor_us.append(float(processor_s) / int(records) * 1e6)


class WatchedSink:
    """Implements `Sink` on another one. `held` readings up to number `last` were stored before, those after it are
    live; after each `turn` of the old ones the rival has its turn. `drained` is set when all of them have been sent,
    and something live has. `processor_us` are microseconds a reading of each turn, of both that `processor_s` counts.
    """

    def __init__(
        self,
        inner: Sink,
        clock: DrainClock,
        rival: Rival,
        held: int,
        last: int,
        turn: int,
        processor_s: Callable[[], tuple[float, float]],
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._rival = rival
        self._held = held
        self._last = last
        self._turn = turn
        self._sent = 0
        self._sent_of_held = 0
        self._upto = [0, 0]
        self._began_s = clock.boot_s()
        self._processor_s = processor_s
        self._spent_s = processor_s()
        self.rates: list[float] = []
        self.processor_us: list[tuple[float, float]] = []
        self.delays_s: list[float] = []
        self.out_of_order = self.bytes_on_line = self.records = 0
        self.drained = asyncio.Event()

    @property
    def batching(self) -> Batching:
        own = self._inner.batching
        return Batching(own.limit, own.linger_s, deadline_s=600.0)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        if isinstance(self._inner, PacksAhead):
            self._inner.pack_ahead(batch)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        delivery = await self._inner.send(batch)
        self._sent += len(batch)
        self.bytes_on_line += delivery.sent_bytes
        self.records += len(batch)
        seqs = [record.seq for record in batch]
        self._see_order(seqs)
        held = bisect_right(seqs, self._last)
        self._sent_of_held += held
        if held < len(batch):
            self.delays_s.append(self._clock.boot_s() - batch[held].body["metadata"]["boot_s"])
        if batch[0].seq <= self._last:
            self._rival.learn(batch)
        if self._sent_of_held >= self._turn * (len(self.rates) + 1):
            self._change_turns()
        if self._sent_of_held >= self._held and self.delays_s:
            self.drained.set()
        return delivery

    def _see_order(self, seqs: list[int]) -> None:
        """Two lanes, and in each of them only ever forwards. Cheap: the forwarder is charged for it."""
        lane = 1 if seqs[0] > self._upto[1] else 0
        if seqs != sorted(set(seqs)) or seqs[0] <= self._upto[lane]:
            self.out_of_order += 1
        self._upto[lane] = seqs[-1]

    def _change_turns(self) -> None:
        self.rates.append(self._sent / (self._clock.boot_s() - self._began_s))
        (own, other), (own_before, other_before) = self._processor_s(), self._spent_s
        self.processor_us.append(((own - own_before) / self._sent * 1e6, (other - other_before) / self._sent * 1e6))
        self._clock.stop()
        self._rival.take_a_turn()
        self._clock.go_on()
        self._sent, self._began_s, self._spent_s = 0, self._clock.boot_s(), self._processor_s()
