"""How far each sink has got in each stream.

A cursor is a low watermark: everything up to it is settled. Readings have a live lane besides, which may overtake the
backlog; what it settled ahead of the cursor is kept as a few stretches, which the cursor swallows when it gets there.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from agent.store.checksum import checksum, whole_rows

STREAMS = ("readings", "rollups", "alerts", "gaps")
MOST_STRETCHES = 8

Stretch = tuple[int, int]
"""The numbers after the first, up to and including the second."""


class Cursors:
    """Works inside its caller's transactions; the few rows are kept in memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cursors: dict[tuple[str, str], tuple[int, int, int]] = {
            (sink, stream): (seq, delivered, rejected)
            for sink, stream, seq, delivered, rejected in whole_rows(connection, "cursors")
        }
        self._ahead: dict[str, list[Stretch]] = {}
        for sink, after, upto in whole_rows(connection, "ahead"):
            self._ahead[sink] = sorted([*self._ahead.get(sink, ()), (after, upto)])

    def ensure(self, sinks: Sequence[str], feed: str) -> None:
        """Give every sink its cursors. A sink that is new begins with what the ring buffer still holds.

        `feed` is the local alarm feed, which has one for the alerts only.
        """
        for key in [(sink, stream) for sink in sinks for stream in STREAMS] + [(feed, "alerts")]:
            if key not in self._cursors:
                self._write(key, (0, 0, 0))

    def sinks(self) -> list[str]:
        """Every sink that readings are kept for: one that is not configured at present may come back."""
        return [sink for sink, stream in self._cursors if stream == "readings"]

    def seq(self, sink: str, stream: str) -> int:
        """Everything up to this number is settled. KeyError for a sink nobody announced."""
        return self._cursors[sink, stream][0]

    def lowest(self, stream: str) -> int | None:
        """What every sink has settled; None when there is no sink."""
        return min((cursor[0] for (_, of), cursor in self._cursors.items() if of == stream), default=None)

    def highest(self, stream: str) -> int:
        """The highest number any sink has settled; 0 if none."""
        seqs = [cursor[0] for (_, of), cursor in self._cursors.items() if of == stream]
        if stream == "readings":
            seqs += [upto for stretches in self._ahead.values() for _, upto in stretches]
        return max(seqs, default=0)

    def ahead(self, sink: str) -> Sequence[Stretch]:
        """The stretches of readings settled ahead of the cursor, in order."""
        return self._ahead.get(sink, ())

    def lacks(self, sink: str, seq: int) -> bool:
        """Whether that reading is not settled with the sink."""
        return seq > self.seq(sink, "readings") and not any(after < seq <= upto for after, upto in self.ahead(sink))

    def settle(self, sink: str, stream: str, after: int, upto: int, delivered: int, rejected: int) -> None:
        """What lies after `after` up to `upto` is done with; so many of it were delivered and rejected."""
        seq, delivered_before, rejected_before = self._cursors[sink, stream]
        counts = (delivered_before + delivered, rejected_before + rejected)
        if after > seq:
            self._set_ahead(sink, _joined([*self.ahead(sink), (after, upto)]))
        else:
            seq = self._swallowed(sink, max(seq, upto)) if stream == "readings" else max(seq, upto)
        self._write((sink, stream), (seq, *counts))

    def skip(self, sink: str, stream: str, upto: int) -> None:
        """Move the cursor to `upto` without a delivery: what lay before it is gone, or not meant for this sink."""
        self.settle(sink, stream, self.seq(sink, stream), upto, 0, 0)

    def keep_behind(self, sink: str, seq: int) -> None:
        """Keep the cursor from passing `seq` until the backlog gets there: rows below it may still come back."""
        if self.seq(sink, "readings") < seq:
            self._set_ahead(sink, _joined([*self.ahead(sink), (seq, seq)]))

    def _swallowed(self, sink: str, seq: int) -> int:
        """The cursor moved on over the stretches that it touches."""
        rest = list(self.ahead(sink))
        while rest and rest[0][0] <= seq:
            seq = max(seq, rest.pop(0)[1])
        if len(rest) < len(self.ahead(sink)):
            self._set_ahead(sink, rest)
        return seq

    def _set_ahead(self, sink: str, stretches: list[Stretch]) -> None:
        self._connection.execute("DELETE FROM ahead WHERE sink = ?", (sink,))
        rows = [(sink, after, upto) for after, upto in stretches]
        insert = "INSERT INTO ahead VALUES (?, ?, ?, ?)"
        self._connection.executemany(insert, [(*row, checksum("ahead", row)) for row in rows])
        self._ahead[sink] = stretches

    def _write(self, key: tuple[str, str], cursor: tuple[int, int, int]) -> None:
        row = (*key, *cursor)
        # To replace the row would write the page of its key, too.
        upsert = """INSERT INTO cursors VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
                    SET seq = excluded.seq, delivered = excluded.delivered, rejected = excluded.rejected,
                        crc = excluded.crc"""
        self._connection.execute(upsert, (*row, checksum("cursors", row)))
        self._cursors[key] = cursor


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """In order, those that touch made one."""
    joined: list[Stretch] = []
    for after, upto in sorted(stretches):
        if joined and after <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], upto))
        else:
            joined.append((after, upto))
    return joined
