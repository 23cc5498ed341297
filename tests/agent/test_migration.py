"""A ring buffer of the first schema is taken over whole, also when that is cut short."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.domain.alarm import AlarmChange, AlarmState, Event
from agent.store import migration
from agent.store.checksum import checksum
from cloud_sync.uplink.interfaces import Lane
from tests.agent.conftest import Opened
from tests.agent.farm import BOOT, NOON_US, OXYGEN, others, waiting

NAME = "ring-buffer.sqlite"
SENSOR = (str(OXYGEN.sensor_id), "tank-1", str(OXYGEN.tank.tank_id), "do-1", "oxygen", "DissolvedOxygen", "mg/L")
COUNT = 5000


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of schema 1: readings, some without a value, an alarm raised and cleared, a cursor, a gap, a letter."""
    path = tmp_path / NAME
    with closing(sqlite3.connect(path)) as database:
        database.executescript((Path(__file__).parent / "schemas" / "schema_1.sql").read_text())
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO sensors VALUES (1, ?, ?, ?, ?, ?, ?, ?)", SENSOR)
        database.execute("INSERT INTO boots VALUES (1, ?)", (BOOT,))
        rows = [
            (n, 1, NOON_US + 1000 * n, 1, n, 1, None if n % 10 == 0 else n / 8, 9 if n % 10 == 0 else 1,
             0.0 if n % 10 == 0 else 1.0, "" if n % 10 == 0 else "11111", "no reply" if n % 10 == 0 else None)
            for n in range(1, COUNT + 1)
        ]  # fmt: skip
        database.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        for seq, active in ((7, 1), (9, 0)):
            database.execute(
                "INSERT INTO alarm_log VALUES (?, 1, 'low', 'warning', 6, 0.3, 5, 10, ?, 3, ?, 1, ?, 1, 5.5, 1, 'low')",
                (seq, active, NOON_US + seq, seq),
            )
        database.execute("INSERT INTO cursors VALUES ('archive', 'readings', 100, 99, 1)")
        database.execute("INSERT INTO gaps VALUES (4, 'http', 1, 5, 10, 20, 5, 'the ring buffer was full')")
        database.execute("INSERT INTO dead_letters VALUES (2, 'http', 'readings', 50, 'too old', '{}')")
        database.execute("PRAGMA user_version = 1")
        database.commit()
    return path


async def test_everything_is_there_afterwards(old: Path, opened: Opened) -> None:
    store = opened(old)
    stored = await waiting(store, "http")
    assert [one.seq for one in stored] == list(range(1, COUNT + 1))
    assert store.trouble is None
    for one in stored:
        reading = one.checked.reading
        assert reading.value == (None if one.seq % 10 == 0 else one.seq / 8)
        assert (reading.at.utc_us, reading.at.boot_ms) == (NOON_US + 1000 * one.seq, one.seq)
        assert (reading.at.boot_id, reading.at.trusted) == (BOOT, True)
        assert one.checked.tests == ("" if reading.value is None else "11111")
    assert (await waiting(store))[0].seq == 101
    raised, cleared = await others(store, Lane.ALERTS)
    assert isinstance(raised, AlarmChange) and isinstance(cleared, AlarmChange)
    assert raised.standing.raised == cleared.standing.raised == f"{BOOT}/7"
    assert [gap.seq for gap in await others(store, Lane.GAPS, "http")] == [4]
    await store.commit()
    with closing(sqlite3.connect(old)) as database:
        assert database.execute("SELECT sink, seq, because FROM dead_letters").fetchall() == [("http", 50, "too old")]
        left = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '*_1'").fetchall()
    assert left == []


async def test_a_migration_that_was_cut_short_goes_on(
    old: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    move, moves = migration._move_readings, []

    def cut_short(connection: sqlite3.Connection, *rest: object) -> bool:
        moves.append(1)
        if len(moves) == 2:
            raise sqlite3.OperationalError("the power went")
        return move(connection, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(migration, "_move_readings", cut_short)
    store = opened(old)
    await store.recall(3600.0, lambda _: None)
    assert "the power went" in str(store.trouble)
    assert [one.seq for one in await waiting(store, "http")] == list(range(1, COUNT + 1))


async def test_alarms_of_the_second_schema_are_taken_over(tmp_path: Path, opened: Opened) -> None:
    path = tmp_path / NAME
    with closing(sqlite3.connect(path)) as database:
        database.executescript((Path(__file__).parent / "schemas" / "schema_2.sql").read_text())
        database.execute("PRAGMA journal_mode = WAL")
        insert(database, "sensors", (1, *SENSOR))
        insert(database, "segments", (1, BOOT, 0, 0, NOON_US, 1))
        for seq, active in ((7, 1), (9, 0), (11, 1)):
            insert(
                database, "alarm_log",
                (seq, 1, "low", "warning", 6.0, 0.3, 5.0, 10.0, active, (seq + 3) // 5, f"{BOOT}/{seq}", 1, seq, 5.5, 1,
                 "low"),
            )  # fmt: skip
        database.execute("UPDATE alarm_log SET value = 8.0 WHERE seq = 9")
        database.execute("PRAGMA user_version = 2")
        database.commit()
    store = opened(tmp_path / NAME)
    recalled = await store.recall(0.0, lambda _: None)
    assert store.trouble is None
    (standing,) = recalled.standing
    assert (standing.seq, standing.event, standing.standing.state) == (11, Event.RAISED, AlarmState.UNACKNOWLEDGED)
    assert [one.seq for one in await others(store, Lane.ALERTS)] == [7, 11]  # what was damaged is not believed


async def test_a_copy_of_what_was_is_kept(old: Path, opened: Opened) -> None:
    await opened(old).recall(0.0, lambda _: None)
    with closing(sqlite3.connect(old.with_name(f"{NAME}.schema-1"))) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT count(*), sum(value) FROM readings").fetchone()[0] == COUNT
        assert copy.execute("SELECT count(*) FROM alarm_log").fetchone() == (2,)


async def test_without_room_for_a_copy_it_is_taken_over_all_the_same(
    old: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usage = shutil.disk_usage(old.parent)._replace(free=old.stat().st_size)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    store = opened(old)
    assert len(await waiting(store, "http")) == COUNT
    assert not old.with_name(f"{NAME}.schema-1").exists()
    assert "no room" in caplog.text


async def test_a_copy_that_a_start_did_not_live_to_finish_is_not_tried_again(
    old: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    unfinished = old.with_name(f"{NAME}.schema-1.part")
    unfinished.write_bytes(b"half a copy")
    assert len(await waiting(opened(old), "http")) == COUNT
    assert not unfinished.exists()
    assert not old.with_name(f"{NAME}.schema-1").exists()
    assert "without keeping a copy: the last start did not get to its end" in caplog.text


def insert(database: sqlite3.Connection, table: str, row: tuple[object, ...]) -> None:
    marks = ", ".join("?" * (len(row) + 1))
    database.execute(f"INSERT INTO {table} VALUES ({marks})", (*row, checksum(table, row)))  # noqa: S608
