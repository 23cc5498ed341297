"""What leaves when the ring buffer is full, and what it leaves behind."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from agent.domain.reading import CheckedReading, Flag, Gap, Rollup
from agent.store import alarm_log, eviction
from agent.store.writer import Writer
from tests.agent.farm import OXYGEN, WARMTH, alarm, change, checked, several
from tests.clock import FakeClock

MOST_BYTES = 2_000_000
Made = Callable[..., Writer]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(boot_s=0.0)


@pytest.fixture
def made(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Opens the ring buffer for these sinks."""
    monkeypatch.setattr(eviction, "AT_ONCE", 100)
    writers: list[Writer] = []

    def make(*sinks: str, metered: Sequence[str] = ()) -> Writer:
        writers.append(Writer(tmp_path / "ring-buffer.sqlite", MOST_BYTES, sinks, clock.now, metered))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()


def fill(writer: Writer, clock: FakeClock, first: int = 1, last: int = 4000, size: int = 1000) -> None:
    for n in range(first, last, 100):
        writer.write(several(n, 100, size), [], [])
        clock.advance(100)


def entries(writer: Writer, sink: str, lane: str) -> Sequence[object]:
    return writer.take(sink, lane, 1_000_000, 0, False).entries


def held(folder: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(folder / "ring-buffer.sqlite")) as database:
        first, last = database.execute("SELECT min(seq), max(seq) FROM readings").fetchone()
        return first, last


def test_what_every_sink_has_goes_without_a_trace(made: Made, clock: FakeClock, tmp_path: Path) -> None:
    writer = made("cloud")
    for n in range(1, 4000, 100):
        writer.write(several(n, 100, 1000), [], [])
        writer.settle("cloud", "backlog", 0, n + 99, [])
        clock.advance(100)
    assert held(tmp_path)[0] > 3000
    assert entries(writer, "cloud", "gaps") == entries(writer, "cloud", "rollups") == []


def test_readings_that_nobody_has_had_become_rollups_and_are_counted(made: Made, clock: FakeClock) -> None:
    writer = made("cloud")
    fill(writer, clock)
    gaps = [gap for gap in entries(writer, "cloud", "gaps") if isinstance(gap, Gap)]
    rollups = [rollup for rollup in entries(writer, "cloud", "rollups") if isinstance(rollup, Rollup)]
    gone = sum(gap.count or 0 for gap in gaps)
    assert gone > 3000
    assert gaps[0].first_seq == 1
    assert sum(rollup.readings for rollup in rollups) == gone
    assert all((rollup.least, rollup.greatest) == (rollup.first_seq, rollup.last_seq) for rollup in rollups)
    assert {rollup.minute_us % 60_000_000 for rollup in rollups} == {0}
    assert len({rollup.minute_us for rollup in rollups}) == len(rollups), "a minute is not cut in two"


def test_a_sink_that_has_the_readings_is_spared_their_rollups(made: Made, clock: FakeClock) -> None:
    writer = made("archive", "cloud")
    for n in range(1, 4000, 100):
        writer.write(several(n, 100, 1000), [], [])
        writer.settle("archive", "backlog", 0, n + 99, [])
        clock.advance(100)
    assert entries(writer, "cloud", "rollups")
    assert entries(writer, "archive", "rollups") == entries(writer, "archive", "gaps") == []


def test_a_metered_sink_gets_every_minute_that_is_over(made: Made, clock: FakeClock) -> None:
    writer = made("cloud", "sat", metered=["sat"])
    for second in range(0, 300, 5):
        writer.write([checked(second, 8.0), checked(second, 15.0 + second / 300, sensor=WARMTH)], [], [])
        clock.advance(5)
    rollups = [rollup for rollup in entries(writer, "sat", "rollups") if isinstance(rollup, Rollup)]
    assert len(rollups) == 2 * 4
    assert [(rollup.sensor, rollup.readings) for rollup in rollups[:2]] == [(OXYGEN, 12), (WARMTH, 12)]
    assert rollups[1].greatest == pytest.approx(15.0 + 55 / 300)


def minute(*values: float | None, failed: int = 0) -> list[CheckedReading]:
    readings = [checked(n, value) for n, value in enumerate(values)]
    return [*readings, *(checked(30 + n, 99.0, Flag.FAIL) for n in range(failed)), checked(61, 1.0), checked(122, 1.0)]


@pytest.mark.parametrize(
    ("readings", "counts", "statistics", "flag"),
    [
        (minute(1.0, 2.0, 6.0), (3, 3), (1.0, 3.0, 6.0), Flag.GOOD),
        (minute(1.0, None, 3.0), (3, 2), (1.0, 2.0, 3.0), Flag.GOOD),
        (minute(1.0, 3.0, failed=1), (3, 2), (1.0, 2.0, 3.0), Flag.FAIL),
        (minute(None, None), (2, 0), (None, None, None), Flag.MISSING),
        (minute(failed=2), (2, 0), (None, None, None), Flag.FAIL),
    ],
)
def test_what_a_rollup_says(
    made: Made,
    readings: list[CheckedReading],
    counts: tuple[int, int],
    statistics: tuple[float | None, ...],
    flag: Flag,
) -> None:
    """A failed value is no measurement: it is counted and flagged, and in no statistic."""
    writer = made("sat", metered=["sat"])
    writer.write(readings, [], [])
    first = next(rollup for rollup in entries(writer, "sat", "rollups") if isinstance(rollup, Rollup))
    assert (first.readings, first.usable) == counts
    assert (first.least, first.mean, first.greatest) == statistics
    assert first.flag is flag


def test_alarms_outlive_everything_else(made: Made, clock: FakeClock, tmp_path: Path) -> None:
    writer = made("cloud")
    writer.write([], [change(n, n % 2 == 1, n) for n in range(1, 200)], [])
    fill(writer, clock)
    assert [entry.seq for entry in writer.take("cloud", "alerts", 1000, 0, False).entries] == list(range(1, 200))


def test_when_only_alarms_are_left_the_oldest_go_and_where_each_stands_stays(made: Made, tmp_path: Path) -> None:
    writer = made("cloud")
    kinds = [alarm(limit=6.0), alarm(limit=4.0)]
    for n in range(1, 12_000, 100):
        changes = [change(seq, seq % 4 < 2, seq, kinds[seq % 2]) for seq in range(n, n + 100)]
        writer.write(several(n, 100), changes, [])
    parts = [part for part in tmp_path.iterdir() if not part.name.endswith("-shm")]
    assert sum(part.stat().st_size for part in parts) <= MOST_BYTES
    standing = writer.standing_alarms()
    assert [one.seq for one in standing][-1] == 12_000
    oldest = writer.take("cloud", "alerts", 1, 0, False).entries[0].seq
    assert 1 < oldest < 12_000


def test_a_long_log_forgets_only_what_everybody_has(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every start, with a sink that was away for a hundred thousand changes."""
    monkeypatch.setattr(alarm_log, "_KEPT", 100)
    writer = made("cloud")
    writer.write([], [change(n, n % 2 == 1, n) for n in range(1, 301)], [])
    writer.feed_has(300)
    writer.settle("cloud", "alerts", 0, 50, [])
    writer.flush()
    for _ in range(3):
        writer.close()
        assert [one.seq for one in writer.take("cloud", "alerts", 1000, 0, False).entries] == list(range(51, 301))
