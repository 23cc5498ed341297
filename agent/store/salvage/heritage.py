"""What a fresh ring buffer takes over from a damaged one, and how it tells later which rows may follow.

A reading refers to its sensor and segment by number. Numbers that the damaged file had given but nobody could read any
more will be given again: a row that means the old one must not come in then, or it would be another sensor's reading.
So the fresh database remembers, in `marks`, up to which number each kind is inherited.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from agent.store.checksum import checksum, is_whole
from agent.store.salvage.records import Row
from agent.store.salvage.survey import BULK, Survey

_REMEMBERED = ("sensors", "segments", *BULK)


@dataclass(frozen=True, slots=True)
class Heritage:
    """The ids that mean in the database what they meant in the damaged file, and the last `seq` given there."""

    sensors: Collection[int]
    segments: Collection[int]
    last: Mapping[str, int]

    def covers(self, table: str, row: Row) -> bool:
        """Whether a row of `readings` or `rollups` still means what it meant, all it refers to being there."""
        return row[0] <= self.last[table] and row[1] in self.sensors and (table == "rollups" or row[2] in self.segments)


def inherit(connection: sqlite3.Connection, survey: Survey, name: str) -> int:
    """Put the small tables of the damaged file of that name into an empty database, every row as it was.

    Returns how many alarm changes and gaps were left out, since what they refer to is lost.
    """
    dropped = 0
    ids = {table: {row[0] for row in survey.rows[table]} for table in ("epochs", "sensors", "segments")}
    for table, rows in survey.rows.items():
        if table == "alarm_log":
            fit = [row for row in rows if row[1] in ids["sensors"] and row[11] in ids["segments"]]
        elif table == "gaps":
            fit = [row for row in rows if row[1] in ids["epochs"]]
        else:
            fit = list(rows)
        dropped += len(rows) - len(fit)
        insert(connection, table, fit)
    last = {**survey.last, **{table: max(ids[table], default=0) for table in ("sensors", "segments")}}
    marks = [(_mark(name, table), last[table]) for table in _REMEMBERED]
    rows = [(*mark, checksum("marks", mark)) for mark in marks]
    connection.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", rows)
    return dropped


def inherited(connection: sqlite3.Connection, name: str) -> Heritage | None:
    """What the database inherited from the damaged file of that name; None if it did not."""
    marks = {row[0]: row[1] for row in connection.execute("SELECT * FROM marks") if is_whole("marks", row)}
    last = {table: marks[_mark(name, table)] for table in _REMEMBERED if _mark(name, table) in marks}
    if len(last) < len(_REMEMBERED):
        return None
    sensors = connection.execute("SELECT id FROM sensors WHERE id <= ?", (last["sensors"],))
    segments = connection.execute("SELECT id FROM segments WHERE id <= ?", (last["segments"],))
    return Heritage({row for (row,) in sensors}, {row for (row,) in segments}, last)


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> int:
    """Insert the rows whose key is not there yet; returns how many."""
    if not rows:
        return 0
    # In order, or SQLite leaves half of every page empty.
    in_order = sorted(rows, key=itemgetter(0))
    values = ", ".join("?" * len(rows[0]))
    return connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({values})", in_order).rowcount


def _mark(name: str, table: str) -> str:
    return f"{name}: last of {table}"
