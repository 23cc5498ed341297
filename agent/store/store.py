"""What the pipeline writes to and the uplink takes from: group commits, and a memory for the time the disk is sick.

Readings wait in memory for at most `commit_s`; an alarm change is committed at once. A commit that fails (disk full,
I/O error, rotten file) keeps what it had for the next attempt. Only what a commit has made durable is handed out.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, cast

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock
from agent.domain.errors import StoreError
from agent.domain.reading import CheckedReading, Gap
from agent.store.cursors import Refused
from agent.store.memory import Remembered
from agent.store.writer import FEED, Writer

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_UNSENT = 100_000


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """`path` of the database, kept below `size_mb` (1 MB = 1,000,000 bytes); at most `keep_in_memory` readings wait
    for a sick disk.
    """

    path: Path
    size_mb: int = 4096
    commit_s: float = 2.0
    keep_in_memory: int = 50_000


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the gateway needs to know of its past: how each alarm stands, and which changes MQTT did not get."""

    standing: Sequence[AlarmChange] = ()
    unsent: Sequence[AlarmChange] = ()


class Store:
    """Fits the uplink's `Backlog`. `trouble` says why nothing can be stored now, or is None."""

    def __init__(self, settings: StoreSettings, sinks: Sequence[str], clock: Clock) -> None:
        self._settings = settings
        self._sinks = sinks
        self._clock = clock
        self._writer = Writer(settings.path, settings.size_mb * 1_000_000, sinks)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._readings: deque[CheckedReading] = deque()
        self._changes: list[AlarmChange] = []
        self._lost = _Lost()
        self._committing = asyncio.Lock()
        self._urgent = asyncio.Event()
        self._news = asyncio.Event()
        self.trouble: str | None = None

    def put(self, readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        """Take in readings and alarm changes for the next commit, which an alarm change makes due at once."""
        self._readings.extend(readings)
        self._forget_the_oldest()
        if changes:
            self._changes.extend(changes)
            self._urgent.set()

    def _forget_the_oldest(self) -> None:
        while len(self._readings) > self._settings.keep_in_memory:
            self._lost.add(self._readings.popleft())

    async def run(self) -> None:
        """Commit for ever; ends by cancellation."""
        while True:
            await self._either(self._urgent, self._settings.commit_s)
            self._urgent.clear()
            await asyncio.shield(self.commit())

    async def commit(self) -> None:
        """Store what waits. A failure is told in `trouble`, logged once, and tried again with the next commit."""
        async with self._committing:
            await self._commit()

    async def _commit(self) -> None:
        if not self._readings and not self._changes:
            return
        readings, self._readings = self._readings, deque()
        changes, self._changes = self._changes, []
        lost, self._lost = self._lost, _Lost()
        try:
            await self._call(self._writer.write, readings, changes, lost.gaps(self._sinks))
        except StoreError as error:
            self._readings.extendleft(reversed(readings))
            self._changes[:0] = changes
            self._lost = lost.joined(self._lost)
            self._forget_the_oldest()
            self._tell(str(error))
            return
        self._tell(None)
        self._news.set()
        self._news = asyncio.Event()

    def _tell(self, trouble: str | None) -> None:
        if trouble and trouble != self.trouble:
            log.error("Readings cannot be stored, alarms go on: %s", trouble)
        elif self.trouble and not trouble:
            log.warning("Readings are stored again")
        self.trouble = trouble

    async def recall(self, usable_quality: float, remember: Callable[[Remembered], None]) -> Recalled:
        """What is known from before; nothing (and `trouble`) where the database cannot be opened.

        `remember` gets what the checks should know, oldest first; it is called in the store's thread.
        """
        try:
            standing = await self._call(self._writer.standing_alarms)
            unsent = await self._call(self._writer.take, FEED, "alerts", _MOST_UNSENT)
            await self._call(self._writer.recall, self._clock.now(), usable_quality, remember)
        except StoreError as error:
            self._tell(str(error))
            return Recalled()
        return Recalled(standing, cast(Sequence[AlarmChange], unsent))

    async def feed_has(self, seq: int) -> None:
        """The alarm feed has published everything up to that change; if that cannot be noted it is published twice."""
        try:
            await self._call(self._writer.settle, FEED, "alerts", seq, ())
        except StoreError as error:
            self._tell(str(error))

    async def take(self, sink: str, stream: Enum, limit: int) -> Sequence[Any]:
        """See `cloud_sync.uplink.interfaces.Backlog`. Raises StoreError."""
        return await self._call(self._writer.take, sink, stream.value, limit)

    async def settle(self, sink: str, stream: Enum, upto: int, rejected: Sequence[Refused]) -> None:
        """See `cloud_sync.uplink.interfaces.Backlog`. Raises StoreError; the sink then gets the batch again."""
        await self._call(self._writer.settle, sink, stream.value, upto, rejected)

    async def wait(self, seconds: float) -> None:
        """Until something new was stored, at most `seconds`."""
        await self._either(self._news, seconds)

    async def close(self) -> None:
        """Store what waits, then close the file; what a sick disk does not take even now is lost, and said to be."""
        await self.commit()
        if self._readings or self._changes:
            lost = len(self._readings) + self._lost.count, len(self._changes)
            log.error("%d readings and %d alarm changes could not be stored and are lost", *lost)
        await self._call(self._writer.close)
        self._thread.shutdown()

    async def _call(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run in the store's thread; a cancelled caller does not interrupt a transaction."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments))

    async def _either(self, event: asyncio.Event, seconds: float) -> None:
        tasks = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


@dataclass(slots=True)
class _Lost:
    """Readings that left the memory before they could be stored."""

    count: int = 0
    from_us: int = 0
    to_us: int = 0

    def add(self, checked: CheckedReading) -> None:
        utc_us = checked.reading.at.utc_us
        self.from_us = min(self.from_us, utc_us) if self.count else utc_us
        self.to_us = max(self.to_us, utc_us) if self.count else utc_us
        self.count += 1

    def joined(self, other: "_Lost") -> "_Lost":
        if not self.count or not other.count:
            return other if other.count else self
        count = self.count + other.count
        return _Lost(count, min(self.from_us, other.from_us), max(self.to_us, other.to_us))

    def gaps(self, sinks: Sequence[str]) -> list[Gap]:
        """One gap a sink; these readings never had a sequence number (0)."""
        because = "the disk did not take readings and the memory for them was full"
        return [Gap(0, sink, 0, 0, self.from_us, self.to_us, self.count, because) for sink in sinks if self.count]
