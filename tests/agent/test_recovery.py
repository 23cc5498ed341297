"""A damaged file under the real store: it runs on, gets back what is whole, and no sink misses anything uncounted."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.domain.reading import Gap
from agent.store.room import PAGE_BYTES as PAGE
from agent.store.store import Store
from agent.store.tables import Tables
from cloud_sync.uplink.interfaces import Lane
from tests.agent.conftest import Opened
from tests.agent.farm import change, others, settle, several, waiting

NAME = "ring-buffer.sqlite"
STORED, DELIVERED, NEW = 6000, 1000, 50


def fold_the_log(path: Path) -> None:
    """Or its pages would stand in for those of the file."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def header(path: Path) -> None:
    fold_the_log(path)
    with path.open("r+b") as file:
        file.write(bytes(100))


def first_page(path: Path) -> None:
    fold_the_log(path)
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(PAGE))


def every_root_page(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        roots = [root for (root,) in database.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")]
    with path.open("r+b") as file:
        for root in roots:
            file.seek((root - 1) * PAGE)
            file.write(random.Random(root).randbytes(PAGE))


def some_pages(path: Path) -> None:
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        for page in random.Random(2).sample(range(1, pages), 5):
            file.seek(page * PAGE)
            file.write(random.Random(page).randbytes(PAGE))


def second_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // PAGE * PAGE)


def log_cut_off(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))
    log = path.with_name(path.name + "-wal")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size // 3)


HARMS = [header, first_page, every_root_page, some_pages, second_half, log_cut_off]


async def stored(opened: Opened) -> None:
    """A ring buffer with many readings, the first of which the archive has, and two alarm changes."""
    store = opened(keep_in_memory=50_000)
    store.put(several(1, STORED, 20), [change(1), change(2, False)])
    await store.commit()
    await settle(store, "archive", DELIVERED)
    store.put(several(STORED + 1, 1), [])
    await store.commit()
    await store.close()


async def salvaged(store: Store) -> Tables:
    """Let the store bring back everything, as its own task does between commits."""
    while store._writer.is_salvaging:
        await store._call(store._writer.salvage)
    assert store._writer._transactions.tables is not None
    return store._writer._transactions.tables


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
async def test_nothing_is_lost_uncounted(tmp_path: Path, opened: Opened, harm: Callable[[Path], None]) -> None:
    await stored(opened)
    harm(tmp_path / NAME)
    store = opened(keep_in_memory=50_000)
    store.put(several(90_001, NEW), [change(9)])
    await store.commit()
    store.put(several(90_001 + NEW, NEW), [])
    await store.commit()
    assert store.trouble is None
    await waiting(store)  # some damage shows only when it is looked at
    tables = await salvaged(store)
    assert not list(tmp_path.glob("*.damaged-*")) or not tables.recovery.awaited
    for sink in ("archive", "http"):
        there = {one.seq: one.checked.reading.value for one in await waiting(store, sink)}
        new = [seq for seq, value in there.items() if value is not None and value > 90_000]
        assert len(new) == 2 * NEW and min(new) > max(set(there) - set(new), default=0)
        assert all(there[seq] == seq for seq in set(there) - set(new)), "a number means what it meant"
        cursor = tables.cursors.seq(sink, "readings")
        gaps = [gap for gap in await others(store, Lane.GAPS, sink) if isinstance(gap, Gap)]
        counted = {n for gap in gaps if gap.count for n in range(gap.first_seq, gap.last_seq + 1)}
        forgotten = set(range(1, 1 if cursor else min(there)))  # a lost cursor cannot know what it had been owed
        assert set(range(cursor + 1, min(new))) - set(there) <= counted | forgotten
        if harm in (header, first_page, every_root_page):  # which are noticed at once
            assert any(gap.count is None for gap in gaps), "nobody knows what had come last"


async def test_damage_while_it_runs_is_counted_to_the_last_reading(tmp_path: Path, opened: Opened) -> None:
    store = opened(keep_in_memory=50_000)
    store.put(several(1, STORED, 300), [change(1)])
    await store.commit()
    for part in (tmp_path / NAME, tmp_path / f"{NAME}-wal"):
        with part.open("r+b") as file:
            file.seek(40 * (PAGE + 24))
            file.write(random.Random(3).randbytes(200 * PAGE))
    put = STORED
    while not store._writer.is_salvaging:
        assert put < STORED + 2000, "nobody noticed"
        store.put(several(put + 1, 20), [])
        put += 20
        await store.commit()
        await waiting(store)
    await store.commit()
    await salvaged(store)
    there = [one.seq for one in await waiting(store)]
    gaps = [gap for gap in await others(store, Lane.GAPS) if isinstance(gap, Gap)]
    assert all(gap.count is not None for gap in gaps)
    counted = {n for gap in gaps for n in range(gap.first_seq, gap.last_seq + 1)}
    assert counted.isdisjoint(there)
    assert counted | set(there) == set(range(1, max(there) + 1))
    assert sum(gap.count or 0 for gap in gaps) == len(counted)


async def test_alarms_and_numbers_go_on_in_a_new_epoch(tmp_path: Path, opened: Opened) -> None:
    await stored(opened)
    header(tmp_path / NAME)
    store = opened(keep_in_memory=50_000)
    recalled = await store.recall(3600.0, lambda _: None)
    assert [(one.seq, one.standing.active) for one in recalled.standing] == [(2, False)]
    store.put(several(90_001, NEW), [])
    await store.commit()
    await salvaged(store)
    epochs = {one.epoch: one.seq for one in await waiting(store, "http")}
    assert len(epochs) == 2


async def test_what_could_not_be_brought_back_before_a_kill_is_brought_back_after(
    tmp_path: Path, opened: Opened
) -> None:
    await stored(opened)
    header(tmp_path / NAME)
    store = opened(keep_in_memory=50_000)
    await store.recall(3600.0, lambda _: None)
    await store._call(store._writer.salvage)
    await store.close()
    store = opened(keep_in_memory=50_000)
    await store.recall(3600.0, lambda _: None)
    await salvaged(store)
    assert {one.seq for one in await waiting(store, "http")} >= set(range(1, STORED + 1))
    assert not list(tmp_path.glob("*.damaged-*"))


async def test_a_log_that_begins_with_rubbish_is_not_taken_for_empty(tmp_path: Path, opened: Opened) -> None:
    """SQLite would delete it without a word, and with it everything since the last checkpoint."""
    await stored(opened)
    with (tmp_path / f"{NAME}-wal").open("r+b") as log:
        log.write(random.Random(5).randbytes(32))
    store = opened(keep_in_memory=50_000)
    await store.recall(3600.0, lambda _: None)
    await salvaged(store)
    assert {one.seq for one in await waiting(store, "http")} == set(range(1, STORED + 2))


async def test_a_log_that_is_damaged_in_its_middle_never_makes_two_readings_of_one_number(
    tmp_path: Path, opened: Opened
) -> None:
    """SQLite leaves out what comes behind the damage, which a sink may have had."""
    store = opened()
    for first in range(1, 100, 10):
        store.put(several(first, 10), [])
        await store.commit()
    had = {(one.epoch, one.seq): one.checked.reading.value for one in await waiting(store)}
    await store.close()
    log = tmp_path / f"{NAME}-wal"
    whole = log.read_bytes()
    frames = [at for at in range(32, len(whole), 24 + PAGE) if whole[at + 8 : at + 16] == whole[16:24]]
    row = frames[len(frames) // 2] + 200
    log.write_bytes(whole[:row] + bytes([whole[row] ^ 1]) + whole[row + 1 :])
    store = opened()
    store.put(several(1001, 80), [])
    await store.commit()
    for one in await waiting(store):
        value = one.checked.reading.value
        assert had.get((one.epoch, one.seq), value) == value
