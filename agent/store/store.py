"""What the pipeline writes to and the uplink takes from: group commits, and a memory for the time the disk is sick.

Readings wait in memory for at most `commit_s`; an alarm change is committed at once. A commit that fails (disk full,
I/O error, rotten file) keeps what it had for the next attempt. Only what a commit has made durable is handed out.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock, Instant
from agent.domain.delivery import Taken
from agent.domain.errors import StoreError
from agent.domain.reading import CheckedReading
from agent.store.bulletin import Bulletin
from agent.store.dead_letters import Refused
from agent.store.learnt import Known, Learnt
from agent.store.memory import Remembered
from agent.store.requests import Requests, folder_beside
from agent.store.waiting import Waiting
from agent.store.writer import Writer

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_UNSENT = 10_000
_MOST_AFTER = 100_000
_AT_ONCE = 1_000
_SALVAGE_PAUSE_S = 0.05
_SALVAGE_AGAIN_S = 60.0
_LEARNT_EVERY_S = 3600.0  # so many readings at most are learnt again after a power cut


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """`path` of the database, which with all that belongs to it stays below `size_mb` (1 MB = 1,000,000 bytes); at most
    `keep_in_memory` readings wait for a sick disk. Sinks that are `metered` get roll-ups instead of readings.
    """

    path: Path
    size_mb: int = 4500
    commit_s: float = 2.0
    keep_in_memory: int = 50_000
    metered: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the gateway needs to know of its past: how each alarm stands, and the changes that MQTT did not get: the
    oldest of them, and how many more are in the log.
    """

    standing: Sequence[AlarmChange] = ()
    unsent: Sequence[AlarmChange] = ()
    unsent_more: int = 0


class StoreState(Enum):
    """FAILING takes no readings; SALVAGING takes them, and brings back what a damaged file still has."""

    OK = "ok"
    SALVAGING = "salvaging"
    FAILING = "failing"


class Store:
    """Fits the uplink's `Backlog`; what `bulletin` says goes to every sink. `trouble` says why nothing can be stored
    now, or is None; `tell` is called with every new `state` and its reason, and `learnt` now and then for what the
    checks have learnt from all that was `put`. `tried_s` is the boot time at which a commit last ended, well or not.
    """

    def __init__(self, settings: StoreSettings, sinks: Sequence[str], clock: Clock) -> None:
        self._settings = settings
        self._sinks = sinks
        self._clock = clock
        self._writer = Writer(settings.path, settings.size_mb * 1_000_000, sinks, clock.now, settings.metered)
        self._requests = Requests(folder_beside(settings.path))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._waiting = Waiting(settings.keep_in_memory, sinks)
        self._committing = asyncio.Lock()
        self._urgent = asyncio.Event()
        self._news = asyncio.Event()
        self.tried_s = clock.boot_s()
        self.trouble: str | None = None
        self.state = StoreState.OK
        self.bulletin = Bulletin()
        self.tell: Callable[[str, str | None], None] = lambda state, because: None
        self.learnt: Callable[[], tuple[int, Sequence[Learnt]]] | None = None
        self._newest: Instant | None = None
        self._learnt_due_s = clock.boot_s() + _LEARNT_EVERY_S

    def put(self, readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        """Take in readings and alarm changes for the next commit, which an alarm change makes due at once."""
        readings = list(readings)
        self._waiting.put(readings, changes)
        if readings:
            self._newest = readings[-1].reading.at
        if changes:
            self._urgent.set()

    async def run(self) -> None:
        """Commit for ever, carry out what commands ask for, and in between bring back what a damaged file still has;
        ends by cancellation.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit_for_ever())
            tasks.create_task(self._salvage_for_ever())

    async def _commit_for_ever(self) -> None:
        while True:
            await self._either(self._urgent, self._settings.commit_s)
            self._urgent.clear()
            await asyncio.shield(self.commit())
            await self._call(self._requests.carry_out, self._writer.replay)

    async def _salvage_for_ever(self) -> None:
        """Piece by piece, so that commits and sinks come in between."""
        while True:
            await self._clock.sleep(_SALVAGE_PAUSE_S if self._writer.is_salvaging else self._settings.commit_s)
            if self._writer.is_salvaging:
                try:
                    await self._call(self._writer.salvage)
                    self._tell(self.trouble)
                except StoreError as error:
                    if not self.trouble:
                        log.error("What a damaged file still has cannot be brought back now: %s", error)
                    await self._clock.sleep(_SALVAGE_AGAIN_S)

    async def commit(self) -> None:
        """Store what waits. A failure is told in `trouble`, logged once, and tried again with the next commit."""
        async with self._committing:
            await self._commit()
            self.tried_s = self._clock.boot_s()

    async def _commit(self) -> None:
        due = self._waiting.readings
        while unit := self._waiting.next_unit(due, self._writer.rows_at_once):
            try:
                await self._call(self._writer.write, unit.readings, unit.changes, unit.lost)
            except StoreError as error:
                self._tell(str(error))
                return
            self._waiting.written()
            self.tried_s = self._clock.boot_s()
            due -= len(unit.readings)
            self._tell(None)
            self._news.set()
            self._news = asyncio.Event()
        try:
            await self._keep_learnt()
            await self._call(self._writer.flush)
        except StoreError as error:
            self._tell(str(error))

    async def _keep_learnt(self) -> None:
        """Only when all that was learnt from is written, so that the two fit together."""
        due = self._clock.boot_s() >= self._learnt_due_s and not self._waiting.readings
        if due and self.learnt is not None and self._newest is not None:
            offset_ms, learnt = self.learnt()
            await self._call(self._writer.keep_learnt, learnt, offset_ms, self._newest)
            self._learnt_due_s = self._clock.boot_s() + _LEARNT_EVERY_S

    def keep_learnt(self) -> None:
        """With the next commit, since the gateway stops."""
        self._learnt_due_s = self._clock.boot_s()

    def _tell(self, trouble: str | None) -> None:
        if trouble and trouble != self.trouble:
            log.error("Readings cannot be stored, alarms go on: %s", trouble)
        elif self.trouble and not trouble:
            log.warning("Readings are stored again")
        salvaging = StoreState.SALVAGING if self._writer.is_salvaging else StoreState.OK
        state = StoreState.FAILING if trouble else salvaging
        if (state, trouble) != (self.state, self.trouble):
            self.tell(state.value, trouble)
        self.state, self.trouble = state, trouble

    async def recall(
        self,
        memory_s: float,
        remember: Callable[[Remembered], None],
        not_before: Callable[[int], None] = lambda _: None,
        restore: Callable[[Known], float] | None = None,
    ) -> Recalled:
        """What is known from before; nothing (and `trouble`) where the database cannot be opened.

        `not_before` gets the newest time (UTC microseconds) that can be believed. `remember` gets what was
        measured in the last `memory_s` seconds, oldest first, or after what `restore` gets was learnt; both are called
        in the store's thread.
        """
        try:
            standing = await self._call(self._writer.standing_alarms)
            unsent, count = await self._call(self._writer.unsent_alarms, _MOST_UNSENT)
            if believable_us := await self._call(self._writer.believable_us):
                not_before(believable_us)
            await self._call(self._writer.recall, self._clock.now(), memory_s, remember, restore)
        except StoreError as error:
            self._tell(str(error))
            return Recalled()
        self._tell(None)
        return Recalled(standing, unsent, count - len(unsent))

    async def alarms_after(self, seq: int) -> Sequence[AlarmChange]:
        """The changes with a greater sequence number, oldest first; none (and `trouble`) where they cannot be read."""
        return await self._alarms_after(seq, _MOST_AFTER)

    async def _alarms_after(self, seq: int, limit: int) -> Sequence[AlarmChange]:
        try:
            return await self._call(self._writer.alarms_after, seq, limit)
        except StoreError as error:
            self._tell(str(error))
            return ()

    async def logged_after(self, seq: int) -> Sequence[AlarmChange]:
        """As `alarms_after`, a few at a time, with those that were only just put."""
        await asyncio.shield(self.commit())
        return await self._alarms_after(seq, _AT_ONCE)

    async def feed_has(self, seq: int) -> None:
        """The alarm feed has published everything up to that change; if that cannot be noted it is published twice."""
        try:
            await self._call(self._writer.feed_has, seq)
        except StoreError as error:
            self._tell(str(error))

    async def take(self, sink: str, lane: Enum, limit: int, beyond: int = 0, patient: bool = False) -> Taken:
        """See `cloud_sync.uplink.interfaces.Backlog`. Raises StoreError."""
        if lane.value == "health":
            return self.bulletin.take(sink, beyond)
        return await self._call(self._writer.take, sink, lane.value, limit, beyond, patient)

    async def settle(self, sink: str, lane: Enum, after: int, upto: int, rejected: Sequence[Refused]) -> None:
        """See `cloud_sync.uplink.interfaces.Backlog`. Raises StoreError; the sink then gets the batch again."""
        if lane.value == "health":
            return self.bulletin.settle(sink, upto)
        return await self._call(self._writer.settle, sink, lane.value, after, upto, rejected)

    async def wait(self, seconds: float) -> None:
        """Until something new was stored, at most `seconds`."""
        await self._either(self._news, seconds)

    async def close(self) -> None:
        """Store what waits, then close the file; what a sick disk does not take even now is lost, and said to be."""
        await self.commit()
        readings, changes = self._waiting.readings, self._waiting.changes
        if readings or changes:
            lost = readings + self._waiting.lost
            log.error("%d readings and %d alarm changes could not be stored and are lost", lost, changes)
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
