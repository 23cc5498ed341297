"""From older schemas to the present one, 3.

From 2: the alarm log tells of more than raised and cleared. From 1 besides: rows get a checksum, and their time moves
into the segments. The old tables are put aside in one transaction and emptied batch by batch, so that the file hardly
grows and a migration that is interrupted goes on with the next start.
"""

import logging
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from agent.domain.alarm import AlarmState, Event
from agent.domain.clock import Instant
from agent.store.checksum import checksum, is_whole
from agent.store.timeline import Timeline

log = logging.getLogger(__name__)

_OLD = ("sensors", "boots", "readings", "alarm_log", "gaps", "cursors", "dead_letters")
_FIRST_EPOCH = 1


def keep_copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Leave a copy of the database at `path` as it was before: `….schema-1`, for whoever wants the older gateway back.

    Without one where the disk has no room for it, the file cannot be read whole, or a start was ended over it, since
    the tanks are not watched meanwhile: readings go before copies.
    """
    copy = path.with_name(f"{path.name}.schema-{version}")
    unfinished = copy.with_name(f"{copy.name}.part")
    if copy.exists():  # of a migration that was interrupted
        return
    try:
        if unfinished.exists():
            raise OSError("the last start did not get to its end")
        if shutil.disk_usage(path.parent).free < 2 * path.stat().st_size:
            raise OSError(f"the disk of {path.parent} has no room for it")
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        unfinished.rename(copy)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        log.warning("%s of schema %d is taken over without keeping a copy: %s", path, version, error)
    else:
        log.warning(
            "%s is the ring buffer before it was taken over from schema %d: delete it when all is well", copy, version
        )


def migrate(connection: sqlite3.Connection, schema: str, rows_at_once: int) -> None:
    """Bring the database from schema 1 to the present one; the number of its schema is the last thing that changes."""
    old = Database(connection)
    if "readings_1" not in old.table_names():
        _put_aside(connection, old, schema)
    boots = dict(connection.execute("SELECT id, boot_id FROM boots_1"))
    timeline = Timeline(connection)
    while _move_readings(connection, timeline, boots, rows_at_once):
        pass
    connection.execute("BEGIN IMMEDIATE")
    _move_alarms(connection, timeline, boots)
    for table in _OLD:
        old[f"{table}_1"].drop()
    connection.execute("PRAGMA user_version = 3")
    connection.execute("COMMIT")


def migrate_alarms(connection: sqlite3.Connection, schema: str) -> None:
    """Bring the database from schema 2 to 3, in one transaction: at most some hundred thousand changes of alarms."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(schema)
        find = "SELECT sql FROM sqlite_schema WHERE name IN ('alarm_log', 'alarm') ORDER BY rowid"
        made = [sql for (sql,) in fresh.execute(find)]
    connection.execute("BEGIN IMMEDIATE")
    old = connection.execute("SELECT * FROM alarm_log ORDER BY seq").fetchall()
    connection.execute("DROP VIEW alarm")
    connection.execute("DROP TABLE alarm_log")
    for statement in made:
        connection.execute(statement)
    _insert(connection, "alarm_log", [(*row[:-1], *_told(row[8])) for row in old if is_whole("alarm_log", row)])
    connection.execute("PRAGMA user_version = 3")
    connection.execute("COMMIT")


def _told(active: int) -> tuple[object, ...]:
    """What the columns that came with schema 3 would have held: nobody could acknowledge or shelve anything then."""
    event, state = (Event.RAISED, AlarmState.UNACKNOWLEDGED) if active else (Event.CLEARED, AlarmState.NORMAL)
    return (event.value, state.value, 0, None, None, None)


def _put_aside(connection: sqlite3.Connection, old: Database, schema: str) -> None:
    """Rename the old tables, make the new ones, and copy those that are small."""
    views = "".join(f"DROP VIEW {name};" for name in old.view_names())
    renamed = "".join(f"ALTER TABLE {table} RENAME TO {table}_1;" for table in _OLD)
    connection.executescript(f"BEGIN IMMEDIATE; {views} {renamed} {schema}")
    rows = connection.execute("SELECT id, sensor_id, tank, tank_id, probe, channel, sensor_type, unit FROM sensors_1")
    _insert(connection, "sensors", rows.fetchall())
    rows = connection.execute("SELECT sink, stream, seq, delivered, rejected FROM cursors_1")
    _insert(connection, "cursors", rows.fetchall())
    rows = connection.execute(
        f"SELECT seq, {_FIRST_EPOCH}, sink, first_seq, last_seq, from_us, to_us, count, because FROM gaps_1"
    )
    _insert(connection, "gaps", rows.fetchall())
    rows = connection.execute("SELECT id, sink, stream, seq, because, entry, 0 FROM dead_letters_1")
    _insert(connection, "dead_letters", rows.fetchall())
    _insert(connection, "epochs", [(_FIRST_EPOCH, "", 0)])
    connection.execute("COMMIT")


def _move_readings(connection: sqlite3.Connection, timeline: Timeline, boots: dict[int, str], most: int) -> bool:
    """The oldest rows that are still in the old table; False when there were none."""
    connection.execute("BEGIN IMMEDIATE")
    ask = "SELECT seq, sensor, utc_us, boot, boot_ms, trusted, value, flag, quality, tests, because FROM readings_1"
    moved = []
    for row in connection.execute(f"{ask} ORDER BY seq LIMIT ?", (most,)).fetchall():
        seq, sensor, utc_us, boot, boot_ms, trusted, value, flag, quality, tests, because = row
        segment = timeline.segment_of(Instant(utc_us, boot_ms / 1000, boots[boot], bool(trusted)))
        moved.append((seq, sensor, segment, boot_ms, value, flag, quality, int(tests) if tests else None, because))
    if moved:
        _insert(connection, "readings", moved)
        connection.execute("DELETE FROM readings_1 WHERE seq <= ?", (moved[-1][0],))
    connection.execute("COMMIT")
    return bool(moved)


def _move_alarms(connection: sqlite3.Connection, timeline: Timeline, boots: dict[int, str]) -> None:
    ask = """SELECT seq, sensor, kind, priority, limit_value, deadband, on_delay_s, off_delay_s, active, occurrence,
                    utc_us, boot, boot_ms, trusted, value, flag, message FROM alarm_log_1 ORDER BY seq"""
    raised: dict[tuple[int, str], str] = {}
    moved = []
    for (
        seq,
        sensor,
        kind,
        *limits,
        active,
        occurrence,
        utc_us,
        boot,
        boot_ms,
        trusted,
        value,
        flag,
        message,
    ) in connection.execute(ask).fetchall():
        if active or (sensor, kind) not in raised:
            raised[sensor, kind] = f"{boots[boot]}/{boot_ms}"
        segment = timeline.segment_of(Instant(utc_us, boot_ms / 1000, boots[boot], bool(trusted)))
        moved.append((
            seq, sensor, kind, *limits, active, occurrence, raised[sensor, kind], segment, boot_ms, value, flag,
            message, *_told(active),
        ))  # fmt: skip
    _insert(connection, "alarm_log", moved)


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * (len(rows[0]) + 1))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", [(*row, checksum(table, row)) for row in rows])
