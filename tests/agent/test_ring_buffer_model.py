"""The ring buffer on real SQLite against a model: whatever happens, each sink gets each reading or a gap for it."""

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.domain.reading import Gap, StoredReading
from agent.store import ring_buffer
from agent.store.writer import Writer
from tests.agent.farm import several

PAGES = 80
MOST_BYTES = PAGES * 4096
SINKS = ("archive", "http", "later")


@dataclass
class Known:
    """What one sink has been told."""

    accepted: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)
    missed: set[int] = field(default_factory=set)
    gap_seq: int = 0
    began_after: int = 0


@dataclass(frozen=True)
class Refusal:
    seq: int
    because: str = "no such sensor"


class RingBuffer(RuleBasedStateMachine):
    """Sequence numbers are 1, 2, 3, … and the reading with number n has the value n."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(ring_buffer, "_EVICT_AT_ONCE", 50)
        self.path = Path(self.folder.name) / "ring-buffer.sqlite"
        self.sinks = ["archive", "http"]
        self.known = {sink: Known() for sink in SINKS}
        self.appended = 0
        self.writer = self.opened()
        self.append(1, 0)

    def opened(self) -> Writer:
        return Writer(self.path, MOST_BYTES, self.sinks)

    def teardown(self) -> None:
        self.writer.close()
        self.patch.undo()
        self.folder.cleanup()

    @rule(count=st.integers(1, 120), size=st.sampled_from([0, 100, 1500]))
    def append(self, count: int, size: int) -> None:
        self.writer.write(several(self.appended + 1, count, size), [], [])
        self.appended += count
        (pages,), (free,) = self.look("PRAGMA page_count")[0], self.look("PRAGMA freelist_count")[0]
        assert pages - free <= PAGES

    @rule(sink=st.sampled_from(SINKS), limit=st.integers(1, 200), settled=st.floats(0, 1), refused=st.booleans())
    def deliver(self, sink: str, limit: int, settled: float, refused: bool) -> None:
        if sink not in self.sinks:
            return
        batch = self.taken(sink, limit)
        batch = batch[: round(len(batch) * settled)]
        if batch:
            self.settle(sink, batch, refused)

    @rule(limit=st.integers(1, 200), refused=st.booleans())
    def deliver_what_is_evicted_meanwhile(self, limit: int, refused: bool) -> None:
        batch = self.taken("archive", limit)
        self.append(120, 1500)
        if batch:
            missed = self.missed_so_far("archive")
            self.settle("archive", [one for one in batch if one.seq not in missed], refused, batch[-1].seq)

    def taken(self, sink: str, limit: int) -> Sequence[StoredReading]:
        known = self.known[sink]
        batch = cast(Sequence[StoredReading], self.writer.take(sink, "readings", limit))
        seqs = [stored.seq for stored in batch]
        assert [stored.checked.reading.value for stored in batch] == seqs
        done = known.accepted | known.rejected | self.missed_so_far(sink)
        assert seqs == [n for n in range(1, self.appended + 1) if n not in done][:limit]
        return batch

    def missed_so_far(self, sink: str) -> set[int]:
        """Numbers named in gap records, delivered or waiting; none is named twice."""
        waiting: set[int] = set()
        for gap in cast(Sequence[Gap], self.writer.take(sink, "gaps", 10_000)):
            named = set(range(gap.first_seq, gap.last_seq + 1))
            assert len(named) == gap.count
            assert not named & (waiting | self.known[sink].missed)
            waiting |= named
        return waiting | self.known[sink].missed

    def settle(self, sink: str, batch: Sequence[StoredReading], refused: bool, upto: int | None = None) -> None:
        seqs = [stored.seq for stored in batch]
        refusals = [Refusal(seq) for seq in seqs[::3]] if refused else []
        self.writer.settle(sink, "readings", upto or seqs[-1], refusals)
        self.known[sink].rejected |= {refusal.seq for refusal in refusals}
        self.known[sink].accepted |= set(seqs) - self.known[sink].rejected

    @rule(sink=st.sampled_from(SINKS), limit=st.integers(1, 5))
    def deliver_gaps(self, sink: str, limit: int) -> None:
        if sink not in self.sinks:
            return
        known = self.known[sink]
        for gap in cast(Sequence[Gap], self.writer.take(sink, "gaps", limit)):
            assert gap.seq > known.gap_seq
            assert gap.sink == sink
            known.gap_seq = gap.seq
            known.missed |= set(range(gap.first_seq, gap.last_seq + 1))
            self.writer.settle(sink, "gaps", gap.seq, [])

    @rule()
    def reopen(self) -> None:
        self.writer.close()
        self.writer = self.opened()

    @rule()
    def stop_serving_a_sink_for_a_while(self) -> None:
        self.writer.close()
        self.writer = Writer(self.path, MOST_BYTES, ["archive"])
        self.append(100, 1500)
        self.reopen()

    @precondition(lambda self: "later" not in self.sinks)
    @rule()
    def add_a_sink(self) -> None:
        """It begins with what is still held."""
        held = cast(Sequence[StoredReading], self.writer.take("archive", "readings", 1))
        self.sinks.append("later")
        self.reopen()
        first = cast(Sequence[StoredReading], self.writer.take("later", "readings", 1))
        assert not held or (first and first[0].seq <= held[0].seq)
        start = first[0].seq if first else self.appended + 1
        self.known["later"].accepted = set(range(1, start))
        self.known["later"].began_after = start - 1

    @invariant()
    def every_reading_is_delivered_refused_missed_or_waiting(self) -> None:
        for sink in self.sinks:
            known = self.known[sink]
            waiting = {one.seq for one in cast(Sequence[StoredReading], self.writer.take(sink, "readings", 10**9))}
            missed = self.missed_so_far(sink)
            assert known.accepted | known.rejected | missed | waiting == set(range(1, self.appended + 1))
            assert not waiting & (known.accepted | known.rejected | missed)

    @invariant()
    def the_counters_are_right(self) -> None:
        for sink, delivered, rejected in self.look(
            "SELECT sink, delivered, rejected FROM cursors WHERE stream = 'readings'"
        ):
            known = self.known[sink]
            assert (delivered, rejected) == (len(known.accepted) - known.began_after, len(known.rejected))

    def look(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(sql).fetchall()


TestRingBuffer = RingBuffer.TestCase
TestRingBuffer.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
