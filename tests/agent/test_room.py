"""The size of all files together is never exceeded, and a full disk finds the log in its place."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.domain.reading import Gap
from agent.store import database, eviction
from agent.store.database import has_wal_reset_bug
from agent.store.room import PAGE_BYTES, Room
from agent.store.store import StoreSettings
from agent.store.writer import Writer
from cloud_sync.uplink.interfaces import Rejection
from tests.agent.farm import OXYGEN, WARMTH, checked, several
from tests.clock import FakeClock

MOST_BYTES = 8_000_000
NAME = "ring-buffer.sqlite"


def total(folder: Path) -> int:
    """What the files take on the disk; holes take nothing. The log's index is a few pages, and made anew at need."""
    return sum(part.stat().st_blocks * 512 for part in folder.iterdir() if not part.name.endswith("-shm"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(boot_s=0.0)


def made(folder: Path, clock: FakeClock) -> Writer:
    return Writer(folder / NAME, MOST_BYTES, ["cloud"], clock.now)


def filled(writer: Writer, clock: FakeClock, folder: Path, first: int, readings: int) -> int:
    """Store until the ring has turned; the last number."""
    for n in range(first, first + readings, 500):
        writer.write(several(n, 500, 200), [], [])
        clock.advance(500)
        assert total(folder) <= MOST_BYTES
    return first + readings - 1


def test_a_full_ring_that_is_damaged_is_salvaged_within_its_size(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eviction, "AT_ONCE", 500)
    writer = made(tmp_path, clock)
    last = filled(writer, clock, tmp_path, 1, 40_000)
    writer.close()
    with (tmp_path / NAME).open("r+b") as file:
        file.write(random.Random(1).randbytes(PAGE_BYTES))
    writer = made(tmp_path, clock)
    new = last + 100_000
    held = []
    for n in range(200):
        writer.write(several(new + 10 * n, 10), [], [])
        more = writer.salvage()
        held.append(total(tmp_path))
        if not more:
            break
    assert not writer.is_salvaging
    assert max(held) <= MOST_BYTES
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        back = connection.execute("SELECT count(*) FROM readings WHERE seq <= ?", (last,)).fetchone()[0]
    writer.close()
    assert back > 10_000


def test_a_file_with_other_pages_keeps_them_and_its_size(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(database, "PAGE_BYTES", 4096)
        writer = made(tmp_path, clock)
        filled(writer, clock, tmp_path, 1, 500)
        writer.close()
    writer = made(tmp_path, clock)
    filled(writer, clock, tmp_path, 501, 40_000)
    assert writer._transactions.opened().connection.execute("PRAGMA page_size").fetchone() == (4096,)
    assert (tmp_path / NAME).stat().st_size > MOST_BYTES // 2
    writer.close()


def test_a_full_ring_makes_room_for_the_letters_of_what_a_sink_refuses(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eviction, "AT_ONCE", 50)
    writer = Writer(tmp_path / NAME, 2_000_000, ["cloud"], clock.now)
    for n in range(1, 601, 60):
        writer.write(several(n, 60, 1500), [], [])
        clock.advance(60)
    taken = writer.take("cloud", "backlog", 200, 0, False)
    seqs = [one.seq for one in taken.entries]
    writer.settle("cloud", "backlog", taken.after, seqs[-1], [Rejection(seq, "422") for seq in seqs])
    writer.flush()
    gaps = [gap for gap in writer.take("cloud", "gaps", 1000, 0, False).entries if isinstance(gap, Gap)]
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        letters = {seq for (seq,) in connection.execute("SELECT seq FROM dead_letters")}
    writer.close()
    missed = {seq for gap in gaps for seq in range(gap.first_seq, gap.last_seq + 1)}
    assert len(seqs) == 200
    assert letters == set(seqs) - missed
    assert len(letters) > 150


def test_the_log_stays_when_the_gateway_stops(tmp_path: Path, clock: FakeClock) -> None:
    writer = made(tmp_path, clock)
    filled(writer, clock, tmp_path, 1, 5000)
    log = tmp_path / f"{NAME}-wal"
    before = log.stat()
    writer.close()
    after = log.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert after.st_size > 100_000
    writer = made(tmp_path, clock)
    assert len(writer.take("cloud", "backlog", 10_000, 0, False).entries) > 4000
    writer.close()


def test_eight_weeks_of_twenty_readings_a_second_fit_the_default_size(tmp_path: Path) -> None:
    """With values of full length, on a machine that has been up for two months."""
    clock = FakeClock(boot_s=5.2e6)
    writer, values = Writer(tmp_path / NAME, 100_000_000, [], clock.now), random.Random(1)
    before, count = used_bytes(writer), 40_000
    for _ in range(count // 2000):
        turns = [checked(clock.boot, values.gauss(8, 1), sensor=(OXYGEN, WARMTH)[n % 2]) for n in range(2000)]
        writer.write(turns, [], [])
        clock.advance(100)
    a_row = (used_bytes(writer) - before) / count
    writer.close()
    default = Room(tmp_path / NAME, StoreSettings(tmp_path / NAME).size_mb * 1_000_000)
    assert 56 * 86_400 * 20 * a_row < default.database_bytes


def used_bytes(writer: Writer) -> int:
    writer.standing_alarms()
    tables = writer._transactions.tables
    assert tables is not None
    ask = tables.connection.execute
    pages = ask("PRAGMA page_count").fetchone()[0] - ask("PRAGMA freelist_count").fetchone()[0]
    return int(pages) * PAGE_BYTES


@pytest.mark.parametrize(
    ("version", "bug"),
    [((3, 40, 1), True), ((3, 44, 6), False), ((3, 50, 7), False), ((3, 51, 2), True), ((3, 53, 0), False)],
)
def test_versions_of_sqlite_with_the_wal_reset_bug_are_known(version: tuple[int, int, int], bug: bool) -> None:
    assert has_wal_reset_bug(version) is bug
