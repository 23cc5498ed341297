"""What a damaged ring buffer still tells of itself."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.store.salvage.carry import Salvage
from agent.store.salvage.survey import Survey
from agent.store.salvage.wreck import Wreck
from tests.agent.corpus import (
    DAMAGED,
    Corpus,
    Row,
    build,
    noise,
    opened,
    paged,
    pages_of,
    parts,
    put,
    sensor,
    transaction,
)


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


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("cursors", ("cloud", "readings", 70, 70, 0, 0)),
        ("ahead", ("cloud", 60, 70, 0)),
        ("gaps", (1, 1, "cloud", 60, 70, 1, 2, 11, "full", 0)),
        ("epochs", (2, "second", 71, 0)),
    ],
)
def test_a_number_that_any_row_mentions_is_not_free(table: str, row: Row) -> None:
    """As when the last pages of readings are lost, but not what was noted of them."""
    none: dict[str, list[Row]] = {name: [] for name in ("cursors", "ahead", "gaps", "epochs")}
    alerts = ("mqtt", "alerts", 1_795_435_200_000_000, 9, 0, 0)
    none["cursors"].append(alerts)
    assert Survey(none, {"readings": 50, "rollups": 90}, [], 0, 0).first_free == 51
    rows = {**none, table: [*none[table], row]}
    assert Survey(rows, {"readings": 50, "rollups": 90}, [], 0, 0).first_free == 71


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_versions_of_a_row_the_furthest_counts_wherever_it_stands(tmp_path: Path, turned: bool) -> None:
    """Pages that are free keep what was in them once."""
    states = []
    for step in (1, 2):
        with closing(opened(tmp_path / f"{step}")) as connection:
            put(connection, "cursors", [("cloud", "readings", 10 * step, 0, 0)])
            put(connection, "ahead", [("cloud", 50, 60 * step)])
            put(connection, "marks", [("rolled up", step)])
            put(connection, "segments", [(1, "boot", 1, 2, 10 + step, 2 * step - 2)])
        states.append((tmp_path / f"{step}").read_bytes())
    (tmp_path / DAMAGED).write_bytes(b"".join(states[::-1] if turned else states))
    rows = Salvage(tmp_path / DAMAGED).survey().rows
    assert [row[2] for table in ("cursors", "ahead") for row in rows[table]] == [20, 120]
    assert [row[1] for row in rows["marks"]] == [2]
    assert [row[4:6] for row in rows["segments"]] == [(12, 2)]


def test_the_certain_images_are_the_pages_that_sqlite_sees(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    wreck = Wreck(damaged)
    found = [image for stretch in wreck.stretches() if stretch.certain for _, image in wreck.images(stretch)]
    with closing(sqlite3.connect(damaged)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert sorted(found) == sorted(paged(damaged.read_bytes()))


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
