"""A damaged ring buffer, carried over row by row into the fresh one while the gateway runs on with that.

    survey = salvage.survey()             # changes nothing
    salvage.inherit(connection, survey)   # in the transaction that begins the new epoch
    more = salvage.step(connection)       # in a transaction of its own, and once that is committed
    salvage.give_up_chunk()               # both again while there is `more`

What is safe in the database is cut out of the damaged file, so that both together need no more room than one. After a
kill a new Salvage goes on where the last one was, without a survey.
"""

import os
import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.domain.errors import StoreError
from agent.store.salvage.heritage import Heritage, inherit, inherited, insert
from agent.store.salvage.pages import UNKNOWN, rows_of
from agent.store.salvage.records import Row
from agent.store.salvage.survey import BULK, Survey, surveyed
from agent.store.salvage.wreck import Read, Stretch, Wreck


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
    """Of the damaged file at that path, `at_once` blocks of 4 KiB a step.

    Every method raises StoreError when the files may not be read, cut or removed: then they are left to a person. What
    the caller's connection raises passes through, and the step can be repeated.
    """

    def __init__(self, damaged: Path, at_once: int = 64, read: Read = os.pread) -> None:
        self.found = Found()
        self._wreck = Wreck(damaged, read)
        self._at_once = at_once
        self._order: Sequence[int] = ()
        self._left: deque[Stretch] | None = None
        self._chunk: _Chunk | None = None

    @property
    def bytes_left(self) -> int:
        """What the damaged file and its log still occupy."""
        return self._wreck.bytes_left

    def survey(self) -> Survey:
        """Look at every page once: 4 GB take seconds to minutes, by the disk."""
        survey = surveyed(self._wreck)
        self._order = survey.order
        return survey

    def inherit(self, connection: sqlite3.Connection, survey: Survey) -> int:
        """Put the small tables' rows into a database that is still empty, as they are.

        Returns how many alarm changes and gaps were dropped, since what they refer to is lost.
        """
        return inherit(connection, survey, self._wreck.path.name)

    def begun(self, connection: sqlite3.Connection) -> bool:
        """Whether this database inherited from the damaged file, so that steps go on without a survey."""
        return self._inherited(connection) is not None

    def step(self, connection: sqlite3.Connection, beyond: int = 0) -> bool:
        """Insert the rows of the next pages; False when none are left.

        Readings up to number `beyond` are passed over: they had left the ring buffer, and what is found of them is
        stale. The file stays as it is until `give_up_chunk`.
        """
        if self._left is None:
            self._left = deque(self._wreck.stretches(self._at_once, self._order))
        if not self._left:
            return False
        heritage = self._inherited(connection)
        if heritage is None:
            raise StoreError(f"the ring buffer has inherited nothing from {self._wreck.path}: move that file away")
        self._chunk = chunk = self._decoded(self._left[0])
        for table, rows in chunk.rows.items():
            found = [row for row in rows if table != "readings" or row[0] > beyond]
            fit = [row for row in found if heritage.covers(table, row)]
            chunk.inserted += insert(connection, table, fit)
            chunk.dropped += len(found) - len(fit)
        return True

    def give_up_chunk(self) -> None:
        """To be called when the last step is committed: its pages are cut out; with nothing left the files go."""
        chunk = self._chunk
        if chunk is not None and self._left:
            self._wreck.give_up(self._left[0])
            self._left.popleft()
            self._chunk = None
            self.found = Found(
                self.found.rows + chunk.inserted,
                self.found.dropped + chunk.dropped,
                self.found.damaged + chunk.damaged,
                self.found.damaged_pages + chunk.damaged_pages,
                self._wreck.unreadable,
            )
        elif self._left is not None and not self._left:
            self._wreck.remove()

    def _decoded(self, stretch: Stretch) -> "_Chunk":
        chunk = _Chunk()
        for _, image in self._wreck.images(stretch):
            found = rows_of(image, self._wreck.page)
            for table, row in found.whole:
                if table in BULK:
                    chunk.rows[table].append(row)
            # Rows of the small tables came with the survey; what they continue on may be cut out by now.
            damaged = sum(count for table, count in found.damaged.items() if table in (*BULK, UNKNOWN))
            chunk.damaged += damaged
            chunk.damaged_pages += damaged > 0
        return chunk

    def _inherited(self, connection: sqlite3.Connection) -> Heritage | None:
        return inherited(connection, self._wreck.path.name)


@dataclass(slots=True)
class _Chunk:
    rows: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in BULK})
    inserted: int = 0
    dropped: int = 0
    damaged: int = 0
    damaged_pages: int = 0
