"""The ring buffer on real SQLite against a model: whatever happens, each sink gets each reading or a gap for it."""

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.domain.delivery import Taken
from agent.domain.reading import Gap, Rollup, StoredReading
from agent.store import eviction
from agent.store.writer import Writer
from tests.agent.farm import several
from tests.clock import FakeClock

MOST_BYTES = 2_000_000
SINKS = ("archive", "http", "later")
EVERYTHING = 10**9


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
    """Sequence numbers are 1, 2, 3, … and the reading with number n has the value n, measured at second n."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(eviction, "AT_ONCE", 50)
        self.path = Path(self.folder.name) / "ring-buffer.sqlite"
        self.sinks = ["archive", "http"]
        self.known = {sink: Known() for sink in SINKS}
        self.appended = 0
        self.clock = FakeClock(boot_s=0.0)
        self.writer = self.opened(self.sinks)
        self.append(1, 0)

    def opened(self, sinks: Sequence[str]) -> Writer:
        return Writer(self.path, MOST_BYTES, sinks, self.clock.now)

    def teardown(self) -> None:
        self.writer.close()
        self.patch.undo()
        self.folder.cleanup()

    @rule(count=st.integers(1, 120), size=st.sampled_from([0, 100, 1500]))
    def append(self, count: int, size: int) -> None:
        self.writer.write(several(self.appended + 1, count, size), [], [])
        self.appended += count
        self.clock.advance(count)
        parts = self.path.parent.glob(self.path.name + "*")
        assert sum(part.stat().st_size for part in parts if not part.name.endswith("-shm")) <= MOST_BYTES

    @rule(sink=st.sampled_from(SINKS), live=st.booleans(), limit=st.integers(1, 200), settled=st.floats(0, 1),
          refused=st.booleans())  # fmt: skip
    def deliver(self, sink: str, live: bool, limit: int, settled: float, refused: bool) -> None:
        if sink not in self.sinks:
            return
        lane = "live" if live else "backlog"
        taken = self.taken(sink, lane, limit)
        batch = taken.entries[: round(len(taken.entries) * settled)]
        if batch:
            self.settle(sink, lane, taken.after, [entry.seq for entry in batch], refused)

    @rule(live=st.booleans(), first=st.integers(1, 100), more=st.integers(1, 100))
    def look_ahead_of_what_is_on_its_way(self, live: bool, first: int, more: int) -> None:
        lane = "live" if live else "backlog"
        taken = self.taken("http", lane, first)
        if not taken.entries:
            return
        ahead = self.writer.take("http", lane, more, taken.entries[-1].seq, False)
        together = [entry.seq for entry in (*taken.entries, *ahead.entries)]
        assert together == [entry.seq for entry in self.taken("http", lane, len(together)).entries]
        self.settle("http", lane, taken.after, [entry.seq for entry in taken.entries], False)
        if ahead.entries:
            assert ahead.after == taken.entries[-1].seq
            self.settle("http", lane, ahead.after, [entry.seq for entry in ahead.entries], False)

    @rule(limit=st.integers(1, 200), refused=st.booleans())
    def deliver_what_is_evicted_meanwhile(self, limit: int, refused: bool) -> None:
        taken = self.taken("archive", "backlog", limit)
        self.append(120, 1500)
        if taken.entries:
            missed = self.missed_so_far("archive")
            seqs = [entry.seq for entry in taken.entries]
            left = [seq for seq in seqs if seq not in missed]
            self.settle("archive", "backlog", taken.after, left, refused, seqs[-1])

    def taken(self, sink: str, lane: str, limit: int) -> Taken:
        """Values fit their numbers, nothing comes twice, and the backlog has all that is older than the live lane."""
        taken = self.writer.take(sink, lane, limit, 0, False)
        seqs = [entry.seq for entry in taken.entries]
        for entry in taken.entries:
            assert isinstance(entry, StoredReading) and entry.checked.reading.value == entry.seq
        assert all(seq > taken.after for seq in seqs)
        unsettled = [n for n in range(1, self.appended + 1) if n not in self.done(sink)]
        young = [n for n in unsettled if n >= self.clock.boot - 120]
        assert seqs == [n for n in unsettled if n in set(seqs)], "in order, and not done with"
        if lane == "live" and young:
            assert seqs and seqs[0] <= young[0], "the live lane has the newest"
        if lane == "backlog" and len(young) < len(unsettled):
            assert (seqs and seqs[0] == unsettled[0]) or self.taken(sink, "live", 1).entries[0].seq == unsettled[0]
        return taken

    def done(self, sink: str) -> set[int]:
        known = self.known[sink]
        return known.accepted | known.rejected | self.missed_so_far(sink)

    def missed_so_far(self, sink: str) -> set[int]:
        """Numbers named in gap records, delivered or waiting; none is named twice."""
        waiting: set[int] = set()
        done = self.known[sink].accepted | self.known[sink].rejected
        for gap in self.writer.take(sink, "gaps", 10_000, 0, False).entries:
            assert isinstance(gap, Gap)
            named = set(range(gap.first_seq, gap.last_seq + 1)) - done
            if gap.because == eviction.ROLLUPS_FULL:
                assert gap.count == 0
                continue
            assert gap.count is not None and len(named) <= gap.count <= gap.last_seq - gap.first_seq + 1
            assert not named & (waiting | self.known[sink].missed)
            waiting |= named
        return waiting | self.known[sink].missed

    def settle(
        self, sink: str, lane: str, after: int, seqs: Sequence[int], refused: bool, upto: int | None = None
    ) -> None:
        refusals = [Refusal(seq) for seq in seqs[::3]] if refused else []
        self.writer.settle(sink, lane, after, upto or seqs[-1], refusals)
        missed = self.missed_so_far(sink)  # room for the dead letters may have cost some of these very readings
        self.known[sink].rejected |= {refusal.seq for refusal in refusals} - missed
        self.known[sink].accepted |= set(seqs) - self.known[sink].rejected - missed

    @rule(sink=st.sampled_from(SINKS), limit=st.integers(1, 5))
    def deliver_gaps(self, sink: str, limit: int) -> None:
        if sink not in self.sinks:
            return
        known, waiting = self.known[sink], self.missed_so_far(sink)
        taken = self.writer.take(sink, "gaps", limit, 0, False)
        for gap in taken.entries:
            assert isinstance(gap, Gap) and gap.seq > known.gap_seq and gap.sink == sink
            known.gap_seq = gap.seq
            known.missed |= set(range(gap.first_seq, gap.last_seq + 1)) & waiting
            self.writer.settle(sink, "gaps", taken.after, gap.seq, [])

    @rule(sink=st.sampled_from(SINKS))
    def deliver_rollups(self, sink: str) -> None:
        """They say of readings that went what the readings said."""
        if sink not in self.sinks:
            return
        taken = self.writer.take(sink, "rollups", EVERYTHING, 0, False)
        for rollup in taken.entries:
            assert isinstance(rollup, Rollup)
            assert (rollup.least, rollup.greatest) == (rollup.first_seq, rollup.last_seq)
            assert rollup.mean == pytest.approx((rollup.first_seq + rollup.last_seq) / 2)
            assert rollup.readings == rollup.usable == rollup.last_seq - rollup.first_seq + 1 <= 60
        if taken.entries:
            self.writer.settle(sink, "rollups", taken.after, taken.entries[-1].seq, [])

    @rule()
    def reopen(self) -> None:
        self.writer.flush()
        self.writer.close()
        self.writer = self.opened(self.sinks)

    @rule()
    def stop_serving_a_sink_for_a_while(self) -> None:
        self.writer.flush()
        self.writer.close()
        self.writer = self.opened(["archive"])
        self.append(100, 1500)
        self.reopen()

    @precondition(lambda self: "later" not in self.sinks)
    @rule()
    def add_a_sink(self) -> None:
        """It begins with what is still held."""
        self.reopen()
        oldest = self.look("SELECT min(seq) FROM readings")[0][0]
        self.sinks.append("later")
        self.reopen()
        self.known["later"].accepted = set(range(1, oldest))
        self.known["later"].began_after = oldest - 1

    @invariant()
    def every_reading_is_delivered_refused_missed_or_waiting(self) -> None:
        for sink in self.sinks:
            waiting = self.waiting(sink)
            assert self.done(sink) | waiting == set(range(1, self.appended + 1))
            assert not self.done(sink) & waiting
            taken = [
                entry.seq
                for lane in ("backlog", "live")
                for entry in self.writer.take(sink, lane, EVERYTHING, 0, False).entries
            ]
            assert len(set(taken)) == len(taken) and set(taken) <= waiting

    def waiting(self, sink: str) -> set[int]:
        """What is stored and not settled."""
        self.writer.flush()
        cursor = self.look("SELECT seq FROM cursors WHERE sink = ? AND stream = 'readings'", sink)[0][0]
        ahead = self.look("SELECT after_seq, upto_seq FROM ahead WHERE sink = ?", sink)
        held = {seq for (seq,) in self.look("SELECT seq FROM readings WHERE seq > ?", cursor)}
        return held - {seq for after, upto in ahead for seq in range(after + 1, upto + 1)}

    @invariant()
    def the_counters_are_right(self) -> None:
        self.writer.flush()
        for sink, delivered, rejected in self.look(
            "SELECT sink, delivered, rejected FROM cursors WHERE stream = 'readings'"
        ):
            known = self.known[sink]
            assert (delivered, rejected) == (len(known.accepted) - known.began_after, len(known.rejected))

    def look(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(sql, values).fetchall()


TestRingBuffer = RingBuffer.TestCase
# No shrinking: against real SQLite it takes minutes, and the story that failed is printed as it is.
TestRingBuffer.settings = settings(
    max_examples=25, stateful_step_count=25, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
