"""Damaged ring buffers of every kind: what was whole comes back, nothing is invented, and nothing stops."""

import errno
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from agent.domain.errors import StoreError
from agent.store.salvage.carry import Found, Salvage
from agent.store.salvage.frames import FRAME, LOG_HEADER
from agent.store.salvage.pages import PAGE, rows_of
from agent.store.salvage.survey import BULK
from agent.store.salvage.wreck import leftovers
from tests.agent.corpus import DAMAGED, NAME, Corpus, Row, build, held, opened, parts, put, sensor

Pair = tuple[str, Row]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(tmp_path_factory.mktemp("corpus"))


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


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


def finish(salvage: Salvage, connection: sqlite3.Connection) -> None:
    more = True
    while more:
        with transaction(connection):
            more = salvage.step(connection)
        salvage.give_up_chunk()


def images(path: Path) -> dict[tuple[str, int], bytes]:
    """Every page of the file and of its log."""
    file, log = (part.read_bytes() if part.exists() else b"" for part in parts(path)[:2])
    pages = {("file", at): file[at : at + PAGE] for at in range(0, len(file), PAGE)}
    return pages | {("log", at): log[at : at + FRAME] for at in range(LOG_HEADER, len(log), FRAME)}


def undamaged(before: Path, after: Path) -> set[Pair]:
    """The rows on pages that are in both."""
    sound = images(after)
    same = [image for place, image in images(before).items() if sound.get(place) == image]
    return {pair for image in same for pair in rows_of(image[-PAGE:]).whole}


def pages_of(path: Path, kind: int) -> list[int]:
    """Numbers of the pages that begin with that byte, counted from 0."""
    data = path.read_bytes()
    return [at // PAGE for at in range(PAGE, len(data), PAGE) if data[at] == kind]


def root(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path.with_name("live.sqlite"))) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        return int(found[0]) - 1


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def noise(path: Path, *numbers: int) -> None:
    for number in numbers:
        overwrite(path, number * PAGE, random.Random(number).randbytes(PAGE))


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
    assert len(readings - content) <= found.damaged
    assert 1000 < found.damaged < flips
    assert not_further(corpus, content)


@pytest.mark.parametrize("rubbish", [b"rubbish\n" * 20_000, b"SQLite format 3\0" + b"\r" * 100_000, b""])
def test_rubbish_holds_nothing_and_stops_nothing(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / DAMAGED).write_bytes(rubbish)
    assert Salvage(tmp_path / DAMAGED).survey().first_free == 1
    content, found = salvaged(tmp_path / DAMAGED)
    assert content == set()
    assert found.damaged_pages == (40 if rubbish.startswith(b"rubbish") else 24 if rubbish else 0)


def test_pages_that_the_disk_does_not_give_are_counted_and_their_neighbours_come_back(
    corpus: Corpus, tmp_path: Path
) -> None:
    damaged = corpus.copied(tmp_path)
    log = parts(damaged)[1].stat().st_ino
    bad = {50, 51, 170}

    def read(descriptor: int, size: int, offset: int) -> bytes:
        pages = range(offset // PAGE, -(-(offset + size) // PAGE))
        if os.fstat(descriptor).st_ino != log and not bad.isdisjoint(pages):
            raise OSError(errno.EIO, "Input/output error")
        return os.pread(descriptor, size, offset)

    lost = corpus.path.read_bytes()
    on_bad = {pair for number in bad for pair in rows_of(lost[number * PAGE : (number + 1) * PAGE]).whole}
    assert len(on_bad & corpus.held) > 100
    assert Salvage(damaged, read=read).survey().unreadable == 3
    content, found = salvaged(damaged, read)
    assert found.unreadable == 3
    assert corpus.held - on_bad <= content | {pair for pair in corpus.held if pair[0] == "dead_letters"}
    assert content <= corpus.written


def test_a_kill_at_any_step_loses_nothing_and_needs_no_new_survey(corpus: Corpus, tmp_path: Path) -> None:
    damaged, dice = corpus.copied(tmp_path), random.Random(5)
    with closing(opened(tmp_path / NAME)) as connection:
        salvage = Salvage(damaged, 32)
        assert not salvage.begun(connection)
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        kills = 0
        while damaged.exists():
            with transaction(connection):
                salvage.step(connection)
            fate = dice.random()
            if fate < 0.7:
                salvage.give_up_chunk()
            if fate > 0.6:
                kills, salvage = kills + 1, Salvage(damaged, 32)
                assert salvage.begun(connection)
                assert leftovers(tmp_path / NAME) == [damaged] * damaged.exists()
        assert kills > 5
        assert corpus.held <= held(connection)
    assert leftovers(tmp_path / NAME) == []


def test_a_step_that_was_rolled_back_can_be_repeated(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    with closing(opened(tmp_path / NAME)) as connection:
        salvage = Salvage(damaged)
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        salvage.give_up_chunk()
        more = True
        while more:
            for end in ("ROLLBACK", "COMMIT"):
                connection.execute("BEGIN")
                more = salvage.step(connection)
                connection.execute(end)
            salvage.give_up_chunk()
        assert corpus.held <= held(connection)


def test_the_damaged_file_shrinks_as_fast_as_the_database_grows(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    salvage = Salvage(damaged, 32)
    size = salvage.bytes_left
    assert size == sum(part.stat().st_size for part in parts(damaged)[:2])
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        (small,) = connection.execute("PRAGMA page_count").fetchone()
        more, left = True, size
        while more:
            with transaction(connection):
                more = salvage.step(connection)
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            assert left + (pages - small) * PAGE < 1.03 * size
            salvage.give_up_chunk()
            assert salvage.bytes_left <= left
            left = salvage.bytes_left
    assert left == 0


def test_a_sensor_that_is_lost_takes_its_readings_along_and_its_number_does_not_bring_them_back(
    corpus: Corpus, tmp_path: Path
) -> None:
    """Were they given to whoever gets that number next, they would be another sensor's readings."""
    damaged = corpus.copied(tmp_path)
    for part, size in zip(parts(damaged)[:2], (PAGE, FRAME), strict=True):
        data = part.read_bytes()
        part.write_bytes(data.replace(b"probe-30", b"probe-3O"))
        assert len(data) > size
    salvage = Salvage(damaged)
    survey = salvage.survey()
    assert max(row[0] for row in survey.rows["sensors"]) == 29
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            dropped = salvage.inherit(connection, survey)
            put(connection, "sensors", [sensor(30)])
        finish(salvage, connection)
        content = held(connection)
    assert {row for table, row in content if table == "readings" and row[1] == 30} == set()
    assert salvage.found.dropped >= len([1 for table, row in corpus.held if table in BULK and row[1] == 30]) > 100
    assert dropped == len([1 for table, row in corpus.held if table == "alarm_log" and row[1] == 30])


def test_a_number_that_was_given_anew_stays_with_the_new_reading(corpus: Corpus, tmp_path: Path) -> None:
    """As when the survey could not read the last pages, and a step can."""
    damaged = corpus.copied(tmp_path)
    salvage = Salvage(damaged)
    survey = salvage.survey()
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, replace(survey, last={"readings": 20_000, "rollups": 19_000}))
        finish(salvage, connection)
        content = held(connection)
    assert max(row[0] for table, row in content if table == "readings") == 20_000
    assert max(row[0] for table, row in content if table == "rollups") <= 19_000
    late = [pair for pair in corpus.held if pair[0] in BULK and pair[1][0] > 20_000]
    assert salvage.found.dropped >= len(late) == 2020


def test_stale_readings_are_passed_over(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    oldest = min(row[0] for table, row in corpus.held if table == "readings")
    salvage = Salvage(damaged)
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        while True:
            with transaction(connection):
                more = salvage.step(connection, beyond=oldest - 1)
            salvage.give_up_chunk()
            if not more:
                break
        assert {row for _, row in held(connection) if _ == "readings"} == {
            row for table, row in corpus.held if table == "readings"
        }


def test_the_survey_tells_how_far_the_numbers_went(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    survey = Salvage(damaged).survey()
    assert survey.last == {"readings": 22_000, "rollups": 21_901}
    assert survey.first_free == 22_001
    assert survey.size == sum(part.stat().st_size for part in parts(damaged)[:2])
    noise(damaged, *pages_of(damaged, 13)[-30:])
    os.truncate(parts(damaged)[1], 0)
    assert Salvage(damaged).survey().first_free > 19_000


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


def refused(*_: object, **__: object) -> int:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_files_that_may_not_be_read_are_told_and_left_as_they_are(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = corpus.copied(tmp_path)
    salvage = Salvage(damaged)
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        monkeypatch.setattr(os, "open", refused)
        for again in (salvage, Salvage(damaged)):
            for _ in range(2):
                with pytest.raises(StoreError, match=r"damaged-1.* cannot be salvaged \(Permission denied\): give it"):
                    again.step(connection)
                again.give_up_chunk()
        with pytest.raises(StoreError, match="Permission denied"):
            Salvage(damaged).survey()
    assert [part.read_bytes() for part in parts(damaged)] == [part.read_bytes() for part in parts(corpus.path)]


@pytest.mark.parametrize("operation", ["truncate", "unlink"])
def test_files_that_may_not_be_cut_or_removed_are_told_and_done_later(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    damaged = corpus.copied(tmp_path)
    salvage = Salvage(damaged)
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        with monkeypatch.context() as readonly:
            readonly.setattr(os, operation, refused)
            with pytest.raises(StoreError, match=r"damaged-1.* cannot be salvaged \(Permission denied\): give it"):
                finish(salvage, connection)
        assert damaged.exists()
        finish(salvage, connection)
        assert corpus.held <= held(connection)
    assert not damaged.exists()


def test_a_database_that_inherited_nothing_gets_nothing_and_the_file_stays(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    salvage = Salvage(damaged)
    with closing(opened(tmp_path / NAME)) as connection:
        assert not salvage.begun(connection)
        with pytest.raises(StoreError, match=r"inherited nothing from .*damaged-1: move that file away"):
            salvage.step(connection)
        salvage.give_up_chunk()
    assert damaged.read_bytes() == corpus.path.read_bytes()


def test_leftovers_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = [f"{NAME}.damaged-{number}" for number in (2, 10)]
    for name in [*names, f"{NAME}.damaged-3-wal", f"{NAME}.damaged-", f"x{NAME}.damaged-1", NAME]:
        (tmp_path / name).touch()
    assert [path.name for path in leftovers(tmp_path / NAME)] == names
    with pytest.raises(StoreError, match=r"xring.*Not a directory"):
        leftovers(tmp_path / f"x{NAME}.damaged-1" / NAME)
