"""Gap records: readings that a sink will never get one by one, counted, and delivered like anything else."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from agent.domain.reading import Gap
from agent.store.checksum import checksum
from agent.store.cursors import Cursors
from agent.store.damage import Sieve
from agent.store.epochs import Epochs

_KEPT = 10_000


class Gaps:
    """Works inside its caller's transactions."""

    def __init__(self, connection: sqlite3.Connection, cursors: Cursors, epochs: Epochs, sieve: Sieve) -> None:
        self._connection = connection
        self._cursors = cursors
        self._epochs = epochs
        self._sieve = sieve
        last: int = connection.execute("SELECT coalesce(max(seq), 0) FROM gaps").fetchone()[0]
        self._last_seq = max(last, cursors.highest("gaps"))

    def add(self, gap: Gap) -> None:
        """Append it under the next number, in the present epoch, whatever it carries of both."""
        self._last_seq += 1
        row = (
            self._last_seq, self._epochs.current, gap.sink, gap.first_seq, gap.last_seq, gap.from_us, gap.to_us,
            gap.count, gap.because,
        )  # fmt: skip
        insert = "INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._connection.execute(insert, (*row, checksum("gaps", row)))

    def after(self, sink: str, seq: int, limit: int) -> Sequence[Gap]:
        """The oldest of that sink's with a greater number."""
        ask = "SELECT * FROM gaps WHERE seq > ? AND sink = ? ORDER BY seq LIMIT ?"
        rows = self._connection.execute(ask, (seq, sink, limit)).fetchall()
        return [self.gap(row) for row in self._sieve.whole("gaps", rows)]

    def gap(self, row: Sequence[Any]) -> Gap:
        """What a row means."""
        seq, epoch, sink, first_seq, last_seq, from_us, to_us, count, because, _ = row
        return Gap(seq, sink, first_seq, last_seq, from_us, to_us, count, because, self._epochs.name(epoch))

    def forget_the_delivered(self) -> None:
        """Keep the newest few of those that every sink has."""
        delivered = self._cursors.lowest("gaps")
        if delivered:
            self._connection.execute("DELETE FROM gaps WHERE seq <= ?", (min(delivered, self._last_seq - _KEPT),))
