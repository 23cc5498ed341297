"""The newest 10,000 records that sinks refused for good, and those of them that a person wants to be offered again."""

import json
import logging
import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

from agent.store.checksum import checksum
from agent.store.database import storable

log = logging.getLogger(__name__)

_MOST = 10_000
TABLE = {"readings": "readings", "rollups": "rollups", "alerts": "alarm_log", "gaps": "gaps"}


class Refused(Protocol):
    """One record a sink refuses for good (the uplink's `Rejection` fits)."""

    @property
    def seq(self) -> int: ...

    @property
    def because(self) -> str: ...


class DeadLetters:
    """Works inside its caller's transactions. A letter holds the whole row that was refused, as JSON."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def entry(self, stream: str, seq: int) -> str | None:
        """What a letter holds of the row with that number; None if it is gone by now (a gap has counted it)."""
        found = self._connection.execute(f"SELECT * FROM {TABLE[stream]} WHERE seq = ?", (seq,)).fetchone()
        return None if found is None else json.dumps(found)

    def keep(self, sink: str, stream: str, seq: int, because: str, entry: str) -> None:
        """Add a letter, and drop the oldest when there are too many."""
        last: int = self._connection.execute("SELECT coalesce(max(id), 0) FROM dead_letters").fetchone()[0]
        self._write((last + 1, sink, stream, seq, storable(because), entry, 0))
        self._connection.execute("DELETE FROM dead_letters WHERE id <= ?", (last + 1 - _MOST,))

    def evict(self, count: int) -> int:
        """Delete so many of the oldest; returns how many went."""
        oldest = "SELECT id FROM dead_letters ORDER BY id LIMIT ?"
        return self._connection.execute(f"DELETE FROM dead_letters WHERE id IN ({oldest})", (count,)).rowcount

    def offer_again(self, sink: str, ids: Sequence[int] | None) -> int:
        """Mark these letters of `sink` (None: all) for replay; returns how many there are."""
        wanted = None if ids is None else set(ids)
        chosen = [row for row in self._rows("sink = ?", sink) if wanted is None or row[0] in wanted]
        for row in chosen:
            self._write((*row[:6], 1))
        return len(chosen)

    def to_replay(self, sink: str, after: int, limit: int) -> list[tuple[int, str, str]]:
        """Number, stream and entry of the oldest that are to be offered again."""
        rows = self._rows("sink = ? AND replay = 1 AND id > ? ORDER BY id LIMIT ?", sink, after, limit)
        return [(row[0], row[2], row[5]) for row in rows]

    def withhold(self, number: int, because: str) -> None:
        """Do not offer that letter after all; the reason is added to what the sink said."""
        log.error("dead letter %d cannot be offered again: %s", number, because)
        for *letter, reason, entry, _ in self._rows("id = ?", number):
            added = f"; it cannot be offered again: {because}"
            self._write((*letter, reason.removesuffix(added) + added, entry, 0))

    def replayed(self, sink: str, after: int, upto: int, refused: Sequence[Refused]) -> None:
        """The offered letters up to `upto` were taken, except the refused, which stay with the new reason."""
        because = {refusal.seq: refusal.because for refusal in refused}
        for row in self._rows("sink = ? AND replay = 1 AND id > ? AND id <= ?", sink, after, upto):
            if row[0] in because:
                self._write((*row[:4], storable(because[row[0]]), row[5], 0))
            else:
                self._connection.execute("DELETE FROM dead_letters WHERE id = ?", (row[0],))

    def _rows(self, where: str, *values: Any) -> list[tuple[Any, ...]]:
        ask = f"SELECT id, sink, stream, seq, because, entry, replay FROM dead_letters WHERE {where}"
        return self._connection.execute(ask, values).fetchall()

    def _write(self, row: tuple[Any, ...]) -> None:
        replace = "REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._connection.execute(replace, (*row, checksum("dead_letters", row)))
