"""The salvage of a damaged ring buffer step by step: killed, rolled back, refused, and short of room."""

import errno
import os
import random
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.errors import StoreError
from agent.store.salvage.carry import Salvage
from agent.store.salvage.survey import BULK
from agent.store.salvage.wreck import leftovers
from tests.agent.corpus import (
    DAMAGED,
    NAME,
    PAGE,
    SENSORS,
    Corpus,
    Row,
    build,
    finish,
    held,
    opened,
    paged,
    parts,
    put,
    reading,
    sensor,
    transaction,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(tmp_path_factory.mktemp("corpus"))


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
        salvage = Salvage(damaged, 16)
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
            salvage.give_up_chunk()  # one too many is harmless
        assert corpus.held <= held(connection)


def test_what_is_done_is_not_read_again(corpus: Corpus, tmp_path: Path) -> None:
    damaged = corpus.copied(tmp_path)
    inode, left = damaged.stat().st_ino, damaged.stat().st_size

    def read(descriptor: int, size: int, offset: int) -> bytes:
        found = os.pread(descriptor, size, offset)
        # One page alone may be what a long row continues on, of which the survey knew before; less, the header.
        assert any(found) or size <= PAGE or os.fstat(descriptor).st_ino != inode
        return found

    with closing(opened(tmp_path / NAME)) as connection:
        salvage = Salvage(damaged, 16, read)
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        while damaged.stat().st_blocks:
            with transaction(connection):
                salvage.step(connection)
            salvage.give_up_chunk()
            salvage = Salvage(damaged, 16, read)
            assert 512 * damaged.stat().st_blocks < left
            left = 512 * damaged.stat().st_blocks


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
            assert left + (pages - small) * PAGE < size + 40 * 4096
            salvage.give_up_chunk()
            assert salvage.bytes_left <= left
            left = salvage.bytes_left
        assert left == 0


def test_pages_are_as_full_afterwards_as_before_however_the_ring_had_gone_round(tmp_path: Path) -> None:
    """Else a full ring buffer would lose the oldest of what has just come back."""
    dice, live = random.Random(6), tmp_path / "live.sqlite"
    with closing(opened(live)) as connection, transaction(connection):
        put(connection, "sensors", [sensor(n) for n in range(1, SENSORS + 1)])
        put(connection, "segments", [(n, "boot", 1, 2, 3, 1) for n in range(1, 10)])
        put(connection, "readings", [reading(seq, dice) for seq in range(1, 40_001)])
    pages = paged(live.read_bytes())
    dice.shuffle(pages)
    (tmp_path / DAMAGED).write_bytes(b"".join(pages))
    salvage = Salvage(tmp_path / DAMAGED)
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        finish(salvage, connection)
        assert connection.execute("SELECT count(*) FROM readings").fetchone() == (40_000,)
        (after,) = connection.execute("PRAGMA page_count").fetchone()
    assert after < 1.02 * len(pages)


@pytest.mark.parametrize(
    ("word", "table", "column", "again"),
    [(b"probe-30", "sensors", 1, sensor(30)), (b"boot-3", "segments", 2, (3, "boot-9", 1, 2, 3, 1))],
)
def test_readings_whose_sensor_or_segment_is_lost_do_not_come_back_under_another(
    corpus: Corpus, tmp_path: Path, word: bytes, table: str, column: int, again: Row
) -> None:
    """The number of what is lost is given anew: its readings would be another sensor's, or of another time."""
    damaged = corpus.copied(tmp_path)
    for part in parts(damaged)[:2]:
        part.write_bytes(part.read_bytes().replace(word, word.upper()))
    salvage = Salvage(damaged)
    survey = salvage.survey()
    assert max(row[0] for row in survey.rows[table]) == again[0] - 1
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            dropped = salvage.inherit(connection, survey)
            put(connection, table, [again])
        finish(salvage, connection)
        content = held(connection)
    lost = {pair for pair in corpus.held if pair[0] == "readings" and pair[1][column] == again[0]}
    assert lost.isdisjoint(content)
    assert salvage.found.dropped >= len(lost) > 100
    changes = [row for name, row in corpus.held if name == "alarm_log"]
    assert dropped == len([row for row in changes if row[1 if column == 1 else 11] == again[0]])


def test_a_number_that_was_given_anew_stays_with_the_new_reading(corpus: Corpus, tmp_path: Path) -> None:
    """As when the survey could not read the last pages, and a step can."""
    damaged = corpus.copied(tmp_path)
    salvage = Salvage(damaged)
    survey = salvage.survey()
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, replace(survey, last={"readings": 10_000, "rollups": 9_000}))
        finish(salvage, connection)
        content = held(connection)
    assert max(row[0] for table, row in content if table == "readings") == 10_000
    assert max(row[0] for table, row in content if table == "rollups") <= 9_000
    late = [pair for pair in corpus.held if pair[0] in BULK and pair[1][0] > 10_000]
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


@pytest.mark.parametrize("operation", ["agent.store.salvage.wreck.punch", "os.truncate", "os.unlink"])
def test_files_that_may_not_be_cut_or_removed_are_told_and_done_later(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    damaged = corpus.copied(tmp_path)
    salvage = Salvage(damaged)
    with closing(opened(tmp_path / NAME)) as connection:
        with transaction(connection):
            salvage.inherit(connection, salvage.survey())
        with monkeypatch.context() as readonly:
            readonly.setattr(operation, refused)
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
