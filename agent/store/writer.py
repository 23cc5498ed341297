"""The one writer: every transaction of the gateway, in the thread that `Store` gives it.

What sinks settle is written at once but becomes durable with the next commit of readings: a power cut in between costs
a second delivery, not a flush of the card for every batch.
"""

import json
import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Instant
from agent.domain.delivery import Taken
from agent.domain.reading import CheckedReading, Gap
from agent.store.dead_letters import Refused
from agent.store.learnt import Known, Learnt
from agent.store.memory import Remembered, remembered
from agent.store.room import Room
from agent.store.tables import FEED, Tables
from agent.store.transactions import Transactions

log = logging.getLogger(__name__)

_SALVAGED_AT_ONCE = 10_000
"""More readings than the pages of one step hold."""


class Writer:
    """Owns the database at `path`, which with all that belongs to it stays below `most_bytes`. Sinks that are `metered`
    get roll-ups instead of readings. Every method raises StoreError, naming the file.
    """

    def __init__(
        self,
        path: Path,
        most_bytes: int,
        sinks: Sequence[str],
        now: Callable[[], Instant],
        metered: Collection[str] = (),
    ) -> None:
        self._metered = metered
        self._now = now
        self._room = Room(path, most_bytes)
        self._transactions = Transactions(path, self._room, sinks, now)
        self._within = self._transactions.within
        self._look = self._transactions.look
        self._promised: tuple[int, int] | None = None

    @property
    def rows_at_once(self) -> int:
        """So many readings fit into one `write`."""
        return self._room.rows_at_once

    def write(self, readings: Sequence[CheckedReading], changes: Sequence[AlarmChange], lost: Sequence[Gap]) -> None:
        """Make durable: readings, alarm changes, gaps for what was lost in memory, and what was settled before.

        After a failure it must be called with the same again: should the disk have it all the same, nothing is doubled.
        """
        if self._is_there_already():
            return
        text_bytes = sum(len(checked.because or "") for checked in readings)
        # Of one transaction with what follows: each costs a flush of the card.
        self._within(lambda tables: tables.eviction.make_room(len(readings), text_bytes), durable=False)
        self._within(lambda tables: self._append(tables, readings, changes, lost))
        self._promised = None
        self._room.take_ballast()
        self._transactions.last_seq = self._transactions.opened().ring.last_seq

    def _append(
        self, tables: Tables, readings: Sequence[CheckedReading], changes: Sequence[AlarmChange], lost: Sequence[Gap]
    ) -> None:
        tables.alarms.append(changes)
        for gap in lost:
            tables.gaps.add(gap)
        tables.ring.append(readings)
        if self._metered:
            tables.eviction.roll_up_complete_minutes()
        self._promised = (tables.ring.last_seq, tables.alarms.last_seq())

    def _is_there_already(self) -> bool:
        """Whether the commit that seemed to fail last time did reach the disk."""
        if self._promised is None:
            return False
        self.close()
        there = self._within(lambda tables: (tables.ring.last_seq, tables.alarms.last_seq()))
        promised, self._promised = self._promised, None
        return there == promised

    def take(self, sink: str, lane: str, limit: int, beyond: int, patient: bool) -> Taken:
        """See `Backlog.take`. What is handed out keeps its number and its time for good."""
        return self._look(lambda tables: tables.taken(sink, lane, limit, beyond, patient, self._now()))

    def settle(self, sink: str, lane: str, after: int, upto: int, rejected: Sequence[Refused]) -> None:
        """See `Backlog.settle`; durable with the next `write` or `flush`."""
        self._within(lambda tables: tables.settle(sink, lane, after, upto, rejected), durable=False)

    def replay(self, sink: str, numbers: Sequence[int] | None) -> int:
        """Offer the dead letters of `sink` with these numbers again (None: all); returns how many there are. Durable
        at once.
        """
        return self._within(lambda tables: tables.letters.offer_again(sink, numbers))

    def flush(self) -> None:
        """Make durable what was settled."""
        if self._transactions.is_begun:
            self._within(lambda _: None)

    @property
    def is_salvaging(self) -> bool:
        """Whether rows of a damaged file are still to come back; False while nothing is open."""
        tables = self._transactions.tables
        return tables is not None and tables.recovery.awaited > 0

    def salvage(self) -> bool:
        """Bring back a few more rows of a damaged file; False when there are no more to come."""

        def step(tables: Tables) -> bool:
            tables.eviction.make_room(_SALVAGED_AT_ONCE, 0)
            return tables.recovery.step()

        if not self._within(lambda tables: tables.recovery.awaited):
            return False
        more = self._within(step)
        tables = self._transactions.opened()
        tables.recovery.give_up_chunk()
        self._room.limit(tables.connection)
        return more

    def standing_alarms(self) -> Sequence[AlarmChange]:
        """The last change of every alarm there ever was."""
        return self._look(lambda tables: tables.alarms.newest_of_each())

    def unsent_alarms(self, limit: int) -> tuple[Sequence[AlarmChange], int]:
        """The oldest changes that the alarm feed has not published yet, and how many there are in all."""

        def work(tables: Tables) -> tuple[Sequence[AlarmChange], int]:
            published = tables.cursors.seq(FEED, "alerts")
            return tables.alarms.after(published, limit), tables.alarms.count_after(published)

        return self._look(work)

    def alarms_after(self, seq: int, limit: int) -> Sequence[AlarmChange]:
        """The oldest changes with a greater sequence number."""
        return self._look(lambda tables: tables.alarms.after(seq, limit))

    def feed_has(self, seq: int) -> None:
        """The alarm feed has published every change up to that one."""
        self._within(lambda tables: tables.cursors.skip(FEED, "alerts", seq))

    def believable_us(self) -> int | None:
        """The newest time stored (UTC microseconds) that can be believed; None if there is none."""
        return self._look(lambda tables: tables.timeline.believable_us)

    def keep_learnt(self, learnt: Sequence[Learnt], offset_ms: int, at: Instant) -> None:
        """Make durable what the checks have learnt from all that was written; see `LearntTable.keep`."""
        states = [(one, json.dumps(one.state, separators=(",", ":"))) for one in learnt]
        text_bytes = sum(len(one.basis) + len(state) for one, state in states)
        if text_bytes > self._room.log_bytes // 2:
            log.warning("What the checks have learnt (%d bytes) is too much for so small a ring buffer", text_bytes)
            return

        def work(tables: Tables) -> None:
            tables.eviction.make_room(len(learnt), text_bytes)
            tables.learnt.keep(states, offset_ms, at)

        self._within(work)

    def recall(
        self,
        now: Instant,
        memory_s: float,
        remember: Callable[[Remembered], None],
        restore: Callable[[Known], float] | None = None,
    ) -> None:
        """Hand over what the checks should know of the past, one by one: a day of readings is no list to keep.

        `restore` gets what they had learnt before, if that is there, and says how many seconds of readings are needed
        all the same, beside those stored since.
        """

        def work(tables: Tables) -> None:
            known = tables.learnt.known(now, memory_s) if restore else None
            needed_s, after = (restore(known), known.upto) if restore and known else (memory_s, tables.ring.last_seq)
            for past in remembered(tables.connection, tables.ring, tables.timeline, now, needed_s, after):
                remember(past)

        self._look(work)

    def close(self) -> None:
        """See `Transactions.close`."""
        self._transactions.close()
