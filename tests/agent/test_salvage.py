"""Damaged ring buffers of every kind: what was whole comes back, nothing is invented, and nothing stops."""

import errno
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from agent.store.salvage.carry import Found, Salvage
from agent.store.salvage.frames import LOG_HEADER
from agent.store.salvage.pages import rows_of
from agent.store.salvage.survey import BULK
from tests.agent.corpus import (
    DAMAGED,
    FRAME,
    NAME,
    PAGE,
    Corpus,
    Pair,
    build,
    finish,
    held,
    noise,
    opened,
    overwrite,
    paged,
    pages_of,
    parts,
    transaction,
    undamaged,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(tmp_path_factory.mktemp("corpus"))


def salvaged(damaged: Path, read: Callable[[int, int, int], bytes] = os.pread) -> tuple[set[Pair], Found]:
    """What a fresh database beside the damaged file holds when all is done."""
    salvage = Salvage(damaged, read=read)
    survey = salvage.survey()
    with closing(opened(damaged.with_name(NAME))) as connection:
        with transaction(connection):
            salvage.inherit(connection, survey)
        finish(salvage, connection)
        content = held(connection)
    assert [part for part in parts(damaged) if part.exists()] == []
    own = {pair for pair in content if pair[0] == "marks" and pair[1][0].startswith(DAMAGED)}
    assert len(own) == 4
    return content - own, salvage.found


def root(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path.with_name("live.sqlite"))) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        return int(found[0]) - 1


HARMS: dict[str, Callable[[Path], object]] = {
    "none": lambda path: None,
    "header": lambda path: overwrite(path, 0, bytes(100)),
    "first page": lambda path: noise(path, 0),
    "every interior page": lambda path: noise(path, *pages_of(path, 5), *pages_of(path, 2)),
    "a tenth of the leaves": lambda path: noise(path, *random.Random(3).sample(pages_of(path, 13), 30)),
    "index of the log": lambda path: parts(path)[2].write_text("rubbish"),
    "header of the log": lambda path: overwrite(parts(path)[1], 0, bytes(32)),
    "a frame of the log": lambda path: overwrite(parts(path)[1], LOG_HEADER + 40 * FRAME + 500, b"rubbish"),
    "no log": lambda path: parts(path)[1].unlink(),
    "log cut short": lambda path: os.truncate(parts(path)[1], LOG_HEADER + 90 * FRAME + 1000),
    "log of rubbish": lambda path: parts(path)[1].write_text("rubbish" * 10_000),
    "file cut in half": lambda path: os.truncate(path, path.stat().st_size // 2 + 77),
    "file cut to few pages": lambda path: os.truncate(path, 40 * PAGE),
}
PLACES = ("readings", "rollups", "epochs", "sensors", "segments", "epochs_copy", "sensors_copy", "cursors")
HARMS |= {f"root of {place}": partial(lambda place, path: noise(path, root(path, place)), place) for place in PLACES}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_whatever_is_destroyed_the_rows_of_all_other_pages_come_back(
    corpus: Corpus, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    damaged = corpus.copied(tmp_path)
    (tmp_path / "live.sqlite").write_bytes(corpus.path.read_bytes())
    harm(damaged)
    expected = undamaged(corpus.path, damaged) & corpus.held
    content, found = salvaged(damaged)
    assert content <= corpus.written
    # Of a row that changes, an older version is enough: see below.
    lost = {(table, row) for table, row in expected - content if table not in ("cursors", "marks", "ahead", "segments")}
    assert lost == set()
    assert len([pair for pair in expected if pair[0] in BULK]) > 1000
    assert found.dropped == found.unreadable == 0
    assert not_further(corpus, content)


def not_further(corpus: Corpus, content: set[Pair]) -> bool:
    """No cursor is beyond where it was, so nothing undelivered is skipped."""
    were = {row[:2]: row[2] for table, row in corpus.held if table == "cursors"}
    return all(row[2] <= were[row[:2]] for table, row in content if table == "cursors")


def test_nothing_at_all_is_lost_of_files_that_are_whole(corpus: Corpus, tmp_path: Path) -> None:
    content, found = salvaged(corpus.copied(tmp_path))
    assert corpus.held <= content
    stale = {table for table, _ in content - corpus.held}
    assert stale <= {"readings"}
    assert (found.damaged, found.damaged_pages, found.dropped) == (0, 0, 0)


@pytest.fixture(scope="module")
def large_pages(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(tmp_path_factory.mktemp("large-pages"), page=4096)


def folded(path: Path) -> None:
    """What is in the log comes into the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("names", [("none",), ("header",), ("folded", "none"), ("folded", "header")], ids="-".join)
def test_a_file_with_pages_of_4096_bytes_comes_back_whether_anything_tells_their_size_or_not(
    large_pages: Corpus, tmp_path: Path, names: tuple[str, ...]
) -> None:
    damaged = large_pages.copied(tmp_path)
    for name in names:
        {**HARMS, "folded": folded}[name](damaged)
    content, found = salvaged(damaged)
    assert large_pages.held <= content <= large_pages.written
    assert (found.damaged, found.dropped) == (0, 0)


@pytest.mark.parametrize("kept", [0, 1, 100, PAGE - 1, PAGE, 5 * PAGE, 9 * PAGE + 2000, 33 * PAGE])
def test_a_file_cut_short_anywhere_gives_what_still_has_a_sensor_and_counts_the_rest(
    corpus: Corpus, tmp_path: Path, kept: int
) -> None:
    damaged = corpus.copied(tmp_path)
    os.truncate(damaged, kept)
    expected = undamaged(corpus.path, damaged) & corpus.held
    sensors = {row[0] for table, row in expected if table == "sensors"}
    segments = {row[0] for table, row in expected if table == "segments"}
    readings = {row for table, row in expected if table == "readings"}
    fit = {("readings", row) for row in readings if row[1] in sensors and row[2] in segments}
    content, found = salvaged(damaged)
    assert fit <= content <= corpus.written
    assert found.dropped >= len(readings) - len(fit)


def test_thousands_of_bit_flips_are_counted_and_none_is_delivered_as_good(corpus: Corpus, tmp_path: Path) -> None:
    damaged, dice, flips = corpus.copied(tmp_path), random.Random(4), 3000
    for part in parts(damaged)[:2]:
        data = bytearray(part.read_bytes())
        for _ in range(flips // 2):
            page = dice.randrange(1, len(data) // FRAME) * (PAGE if part == damaged else FRAME)
            byte = page + dice.randrange(100, PAGE)  # not in the header of a page: that hides all of it
            data[byte] ^= 1 << dice.randrange(8)
        part.write_bytes(bytes(data))
    content, found = salvaged(damaged)
    assert content <= corpus.written
    readings = {pair for pair in corpus.held if pair[0] == "readings"}
    assert len(readings - content) <= found.damaged + found.dropped
    assert 1000 < found.damaged < flips
    assert not_further(corpus, content)


@pytest.mark.parametrize("rubbish", [b"rubbish\n" * 20_000, b"SQLite format 3\0" + b"\r" * 100_000, b""])
def test_rubbish_holds_nothing_and_stops_nothing(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / DAMAGED).write_bytes(rubbish)
    assert Salvage(tmp_path / DAMAGED).survey().first_free == 1
    content, found = salvaged(tmp_path / DAMAGED)
    assert content == set()
    assert found.damaged_pages == (157 if rubbish.startswith(b"rubbish") else 97 if rubbish else 0)


def test_pages_that_the_disk_does_not_give_are_counted_and_their_neighbours_come_back(
    corpus: Corpus, tmp_path: Path
) -> None:
    damaged = corpus.copied(tmp_path)
    log = parts(damaged)[1].stat().st_ino
    pages = paged(corpus.path.read_bytes())
    rows = {at: set(rows_of(page).whole) & corpus.held for at, page in enumerate(pages)}
    bad = [at for at, found in rows.items() if len(found) > 15][20:23]

    def read(descriptor: int, size: int, offset: int) -> bytes:
        pages = range(offset // PAGE, -(-(offset + size) // PAGE))
        if os.fstat(descriptor).st_ino != log and any(at in pages for at in bad):
            raise OSError(errno.EIO, "Input/output error")
        return os.pread(descriptor, size, offset)

    assert Salvage(damaged, read=read).survey().unreadable == 3
    content, found = salvaged(damaged, read)
    assert found.unreadable == 3
    lost = set().union(*(rows[at] for at in bad))
    assert {pair for pair in corpus.held if pair[0] != "dead_letters"} - content <= lost
    assert content <= corpus.written
