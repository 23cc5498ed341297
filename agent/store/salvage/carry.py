"""A damaged ring buffer, carried over row by row into the fresh one while the gateway runs on with that.

    survey = salvage.survey()                    # nothing is changed by it
    salvage.inherit(connection, survey)          # in the transaction that begins the new epoch
    while salvage.step(connection):              # each in a transaction, and once that is committed:
        salvage.give_up_chunk()

Work is cut off the damaged file only when it is safe in the database, so it goes on after a kill where it was. A
reading keeps its number, and refers to its sensor and segment by the numbers that they had in the damaged file: the
database remembers, in `marks`, up to which they are those.
"""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from agent.domain.errors import StoreError
from agent.store.checksum import checksum, is_whole
from agent.store.salvage.pages import UNKNOWN, rows_of
from agent.store.salvage.records import Row
from agent.store.salvage.survey import BULK, Survey, surveyed
from agent.store.salvage.wreck import Read, Stretch, Wreck

_REMEMBERED = ("sensors", "segments", *BULK)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a salvage so far.

    `rows` of readings and rollups came back. `dropped` ones are whole, but what they refer to is lost, or their number
    was given anew. `damaged` ones, on so many `damaged_pages`, are not as they were written; and `unreadable` pages the
    disk did not give.
    """

    rows: int = 0
    dropped: int = 0
    damaged: int = 0
    damaged_pages: int = 0
    unreadable: int = 0


class Salvage:
    """Of the damaged file at that path, `at_once` pages of 4 KiB a step.

    Every method raises StoreError when the files may not be read, cut or removed: then they are left to a person. What
    the caller's connection raises passes through, and the step can be repeated.
    """

    def __init__(self, damaged: Path, at_once: int = 64, read: Read = os.pread) -> None:
        self.found = Found()
        self._name = damaged.name
        self._wreck = Wreck(damaged, read)
        self._at_once = at_once
        self._left: list[Stretch] | None = None  # the next one last
        self._chunk: _Chunk | None = None

    @property
    def bytes_left(self) -> int:
        """What the damaged file and its log still occupy."""
        return self._wreck.bytes_left

    def survey(self) -> Survey:
        """Look at every page once: 4 GB take seconds to minutes, by the disk."""
        return surveyed(self._wreck)

    def inherit(self, connection: sqlite3.Connection, survey: Survey) -> int:
        """Put the small tables' rows into a database that is still empty, as they are.

        Returns how many alarm changes and gaps were dropped, since what they refer to is lost.
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
            _insert(connection, table, fit)
        last = {**survey.last, **{table: max(ids[table], default=0) for table in ("sensors", "segments")}}
        marks = [(f"{self._name}: last of {table}", last[table]) for table in _REMEMBERED]
        connection.executemany(
            "INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", [(*mark, checksum("marks", mark)) for mark in marks]
        )
        return dropped

    def begun(self, connection: sqlite3.Connection) -> bool:
        """Whether this database inherited from the damaged file, so that steps go on without a survey."""
        return self._marks(connection) is not None

    def step(self, connection: sqlite3.Connection, beyond: int = 0) -> bool:
        """Insert the rows of the next pages, from the end of the file towards its beginning; False when none are left.

        Readings up to number `beyond` are passed over: they had left the ring buffer, and what is found of them is
        stale. The file stays as it is until `give_up_chunk`.
        """
        if self._left is None:
            self._left = [*self._wreck.stretches(self._at_once)][::-1]
        if not self._left:
            return False
        marks = self._marks(connection)
        if marks is None:
            raise StoreError(f"the ring buffer has inherited nothing from {self._wreck.path}: move that file away")
        self._chunk = chunk = self._decoded(self._left[-1])
        sensors = _ids(connection, "sensors", marks)
        segments = _ids(connection, "segments", marks)
        readings = [row for row in chunk.rows["readings"] if row[0] > beyond]
        rollups = chunk.rows["rollups"]
        fit = [row for row in readings if row[0] <= marks["readings"] and row[1] in sensors and row[2] in segments]
        fit_rollups = [row for row in rollups if row[0] <= marks["rollups"] and row[1] in sensors]
        chunk.inserted = _insert(connection, "readings", fit) + _insert(connection, "rollups", fit_rollups)
        chunk.dropped = len(readings) - len(fit) + len(rollups) - len(fit_rollups)
        return True

    def give_up_chunk(self) -> None:
        """To be called when the last step is committed: its pages are cut off; with nothing left the files go."""
        chunk = self._chunk
        if chunk is not None and self._left:
            self._wreck.give_up(self._left[-1])
            self._left.pop()
            self._chunk = None
            self.found = Found(
                self.found.rows + chunk.inserted,
                self.found.dropped + chunk.dropped,
                self.found.damaged + chunk.damaged,
                self.found.damaged_pages + chunk.damaged_pages,
                self._wreck.unreadable,
            )
        elif self._left == []:
            self._wreck.remove()

    def _decoded(self, stretch: Stretch) -> "_Chunk":
        chunk = _Chunk()
        for image in self._wreck.images(stretch):
            found = rows_of(image, self._wreck.page)
            for table, row in found.whole:
                if table in BULK:
                    chunk.rows[table].append(row)
            # Rows of the small tables came with the survey; what they continued on may be cut off by now.
            damaged = sum(count for table, count in found.damaged.items() if table in (*BULK, UNKNOWN))
            chunk.damaged += damaged
            chunk.damaged_pages += damaged > 0
        return chunk

    def _marks(self, connection: sqlite3.Connection) -> dict[str, int] | None:
        """Up to which number ids and sequence numbers are those of the damaged file, by table; None: not known."""
        names = {f"{self._name}: last of {table}": table for table in _REMEMBERED}
        stored = [
            row for row in connection.execute("SELECT * FROM marks") if row[0] in names and is_whole("marks", row)
        ]
        return {names[name]: number for name, number, _ in stored} if len(stored) == len(names) else None


@dataclass(slots=True)
class _Chunk:
    rows: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in BULK})
    inserted: int = 0
    dropped: int = 0
    damaged: int = 0
    damaged_pages: int = 0


def _ids(connection: sqlite3.Connection, table: str, marks: Mapping[str, int]) -> set[int]:
    """Those that mean the same in the damaged file: later ones were given anew."""
    return {row[0] for row in connection.execute(f"SELECT id FROM {table} WHERE id <= ?", (marks[table],))}


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> int:
    """Rows the database does not have yet; returns how many."""
    if not rows:
        return 0
    # In order, or SQLite would leave half of every page empty.
    in_order = sorted(rows, key=itemgetter(0))
    return connection.executemany(
        f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", in_order
    ).rowcount
