"""A flipped bit passes SQLite's own checks; it does not pass for a measurement here."""

import sqlite3
from contextlib import closing
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.reading import Gap
from agent.store.checksum import checksum, is_whole
from agent.store.room import PAGE_BYTES
from cloud_sync.uplink.interfaces import Lane
from tests.agent.conftest import Opened
from tests.agent.farm import change, others, settle, several, waiting

NAME = "ring-buffer.sqlite"


def flip(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / NAME)) as database:
        database.execute(sql)
        database.commit()


async def test_a_damaged_reading_is_counted_once_for_each_sink_that_lacks_it(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened()
    store.put(several(1, 20), [])
    await store.commit()
    await settle(store, "http", 10)
    await store.commit()
    flip(tmp_path, "UPDATE readings SET value = 8.0 WHERE seq IN (4, 15)")
    for _ in range(2):
        assert [one.seq for one in await waiting(store)] == [n for n in range(1, 21) if n not in (4, 15)]
        assert [one.seq for one in await waiting(store, "http")] == [n for n in range(11, 21) if n != 15]
        for sink, lost in (("archive", [4, 15]), ("http", [15])):
            gaps = [gap for gap in await others(store, Lane.GAPS, sink) if isinstance(gap, Gap)]
            assert sorted(gap.first_seq for gap in gaps) == lost
            assert all(gap.count == 1 and "checksum" in gap.because and gap.from_us > 0 for gap in gaps)
    assert [record.getMessage()[:15] for record in caplog.records] == ["readings row 4 ", "readings row 15"]
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        kept = database.execute("SELECT sink, stream, seq FROM dead_letters ORDER BY seq").fetchall()
    assert kept == [("", "readings", 4), ("", "readings", 15)]


async def test_a_damaged_alarm_is_told_and_holds_up_nothing(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened()
    store.put([], [change(1), change(2, False), change(3, occurrence=2)])
    await store.commit()
    flip(tmp_path, "UPDATE alarm_log SET value = 9.0 WHERE seq = 2")
    assert [one.seq for one in await others(store, Lane.ALERTS)] == [1, 3]
    assert [one.seq for one in (await store.recall(3600.0, lambda _: None)).standing] == [3]
    assert "alarm_log row 2 in the ring buffer is damaged" in caplog.text


async def test_a_damaged_segment_makes_the_whole_file_suspect(tmp_path: Path, opened: Opened) -> None:
    """All readings of a boot would get a wrong time: that is worse than to begin anew."""
    store = opened()
    store.put(several(1, 20), [])
    await store.commit()
    await store.close()
    flip(tmp_path, "UPDATE segments SET offset_us = offset_us + 3600000000")
    store = opened()
    store.put(several(21, 20), [])
    await store.commit()
    assert all(one.checked.reading.at.utc_us < 1.8e15 for one in await waiting(store))
    assert store.trouble is None


columns = st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text()))


@settings(max_examples=200)
@given(row=columns, other=columns)
def test_a_checksum_tells_rows_apart(row: list[object], other: list[object]) -> None:
    whole = (*row, checksum("readings", row))
    assert is_whole("readings", whole)
    assert -(2**31) <= checksum("readings", row) < 2**31
    assert not is_whole("gaps", whole)
    assert is_whole("readings", (*other, whole[-1])) == (repr(other) == repr(row))


@given(row=columns)
def test_rows_of_a_file_from_before_are_whole(row: list[object]) -> None:
    printed = crc32(repr(("readings", *row)).encode("utf-8", "backslashreplace")) - 2**31
    assert is_whole("readings", (*row, printed))
    assert not is_whole("readings", (*row, printed ^ 1))
    assert not is_whole("gaps", (*row, printed))


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE readings SET because = CAST(x'ff41' AS TEXT) WHERE seq = 4",
        "UPDATE readings SET segment = 77 WHERE seq = 4",
        "UPDATE readings SET sensor = 77 WHERE seq = 4",
    ],
)
async def test_whatever_a_bit_made_of_a_row_it_holds_up_nothing(tmp_path: Path, opened: Opened, harm: str) -> None:
    store = opened()
    store.put(several(1, 20), [])
    await store.commit()
    flip(tmp_path, harm)
    assert [one.seq for one in await waiting(store)] == [n for n in range(1, 21) if n != 4]
    assert store.trouble is None


async def test_text_that_became_bytes_holds_up_nothing(tmp_path: Path, opened: Opened) -> None:
    """One bit of a record's header turns text into a blob."""
    store = opened()
    store.put(several(1, 10, 30), [])  # no more than one page holds
    await store.commit()
    await store.close()
    flip(tmp_path, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / NAME
    found = path.read_bytes()
    at = found.index(b"x" * 30)
    header = found.rindex(bytes([30 * 2 + 13]), 0, at)  # the serial type of text with 30 bytes
    path.write_bytes(found[:header] + bytes([30 * 2 + 12]) + found[header + 1 :])
    store = opened()
    assert len(await waiting(store)) == 9


@pytest.mark.parametrize("table", ["sensors", "epochs"])
async def test_nothing_is_believed_that_makes_everything_else_wrong(tmp_path: Path, opened: Opened, table: str) -> None:
    """A damaged sensor would give its readings to another; the file is salvaged, with the second copy of that row."""
    store = opened()
    store.put(several(1, 20), [])
    await store.commit()
    await settle(store, "archive", 10)
    await store.commit()
    await store.close()
    column = {"sensors": "tank", "epochs": "epoch"}[table]
    path = tmp_path / NAME
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
        value = database.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()[0].encode()  # noqa: S608
    found = path.read_bytes()
    at = found.index(value, (root - 1) * PAGE_BYTES)
    path.write_bytes(found[:at] + bytes([found[at] ^ 1]) + found[at + 1 :])
    store = opened()
    assert {one.checked.reading.sensor.tank.name for one in await waiting(store, "http")} <= {"tank-1"}
    assert store.trouble is None
    assert list(tmp_path.glob("*.damaged-1"))


async def test_a_damaged_cursor_skips_nothing(tmp_path: Path, opened: Opened) -> None:
    store = opened()
    store.put(several(1, 20), [])
    await store.commit()
    await store.close()
    flip(tmp_path, "UPDATE cursors SET seq = 15 WHERE stream = 'readings'")
    store = opened()
    await store.recall(3600.0, lambda _: None)
    while store._writer.is_salvaging:
        await store._call(store._writer.salvage)
    assert [one.seq for one in await waiting(store)] == list(range(1, 21))
