"""What a damaged ring buffer still tells of itself."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.store.salvage import Salvage
from tests.agent.corpus import DAMAGED, Corpus, build, noise, opened, pages_of, parts, put, sensor, transaction


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(tmp_path_factory.mktemp("corpus"))


def test_the_survey_tells_how_far_the_numbers_went(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    survey = Salvage(damaged).survey()
    assert survey.last == {"readings": 12_000, "rollups": 11_901}
    assert survey.first_free == 12_001
    assert survey.size == sum(part.stat().st_size for part in parts(damaged)[:2])
    noise(damaged, *pages_of(damaged, 13)[-30:])
    os.truncate(parts(damaged)[1], 0)
    assert Salvage(damaged).survey().first_free > 9_000


def changed(folder: Path, work: Callable[[sqlite3.Connection], None], ends: str) -> Path:
    """Files of a database after that work in a transaction bigger than SQLite's cache, taken before it ends so."""
    live = folder / "live.sqlite"
    with closing(opened(live)) as connection:
        connection.execute("PRAGMA cache_size = 5")
        with transaction(connection):
            put(connection, "epochs", [(1, "first", 1)])
            put(connection, "sensors", [sensor(1)])
            put(connection, "segments", [(1, "boot", 1, 2, 3, 0), (2, "other", 1, 2, 3, 2)])
            put(connection, "cursors", [("cloud", "readings", 10, 10, 0)])
            put(connection, "marks", [("rolled up", 5)])
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        with transaction(connection):
            put(connection, "cursors", [("cloud", "readings", 20, 20, 0)])
        connection.execute("BEGIN")
        work(connection)
        put(connection, "gaps", [(n, 1, "cloud", 1, 9, 1, 2, 9, "x" * 900) for n in range(1, 200)])
        if ends == "COMMIT":
            connection.execute("COMMIT")
        for part, copied in zip(parts(live), parts(folder / DAMAGED), strict=True):
            shutil.copy(part, copied)
    return folder / DAMAGED


def moved_on(connection: sqlite3.Connection) -> None:
    put(connection, "cursors", [("cloud", "readings", 30, 30, 0), ("new", "readings", 7, 7, 0)])
    put(connection, "marks", [("rolled up", 50)])
    put(connection, "segments", [(1, "boot", 1, 2, 4, 2), (2, "stranger", 1, 2, 9, 2)])
    put(connection, "sensors", [(1, *sensor(99)[1:])])


@pytest.mark.parametrize("ends", ["COMMIT", "killed"])
def test_a_transaction_that_never_ended_moves_no_cursor_and_renames_nothing(tmp_path: Path, ends: str) -> None:
    """Else what it evicted in vain, and what was given its numbers later, would be taken for settled."""
    damaged = changed(tmp_path, moved_on, ends)
    rows = Salvage(damaged).survey().rows
    ended = ends == "COMMIT"
    assert len(rows["gaps"]) > 100
    assert {row[:3] for row in rows["cursors"]} == {("cloud", "readings", 30 if ended else 20), ("new", "readings", 7)}
    assert [row[1] for row in rows["marks"]] == [50 if ended else 5]
    assert [row[:-1] for row in rows["sensors"]] == [(1, *sensor(99 if ended else 1)[1:])]
    # An offset that is settled counts wherever it stands: a reading may have been delivered with it.
    other = (2, "stranger", 1, 2, 9, 2) if ended else (2, "other", 1, 2, 3, 2)
    assert {row[:-1] for row in rows["segments"]} == {(1, "boot", 1, 2, 4, 2), other}
