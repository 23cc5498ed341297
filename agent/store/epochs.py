"""Incarnations of the ring buffer. A number it gives may repeat one that a damaged file took with it; epoch and number
together never do.
"""

import sqlite3
from bisect import bisect_right

from agent.domain.clock import Instant
from agent.store.checksum import checksum, whole_rows


class Epochs:
    """Which epoch a sequence number belongs to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        rows = whole_rows(connection, "epochs")
        self._names: dict[int, str] = {row: epoch for row, epoch, _ in rows}
        self._first_seqs: list[int] = [first_seq for _, _, first_seq in rows]
        self._ids: list[int] = [row for row, _, _ in rows]

    @property
    def known(self) -> bool:
        """Whether there is any."""
        return bool(self._ids)

    @property
    def current(self) -> int:
        """The row of the newest epoch."""
        return self._ids[-1]

    def name(self, row: int) -> str:
        return self._names[row]

    def of(self, seq: int) -> str:
        """The name of the epoch in which a reading got this number."""
        if seq >= self._first_seqs[-1]:
            return self._names[self._ids[-1]]
        return self._names[self._ids[max(bisect_right(self._first_seqs, seq) - 1, 0)]]

    def begin(self, first_seq: int, now: Instant) -> None:
        """A new epoch, named after its first moment: no other has that boot and boot time."""
        row = max(self._ids, default=0) + 1
        name = f"{now.boot_id[:8]}-{now.boot_ms:x}-{row}"
        values = (row, name, first_seq)
        self._connection.execute("INSERT INTO epochs VALUES (?, ?, ?, ?)", (*values, checksum("epochs", values)))
        self._names[row] = name
        self._first_seqs.append(first_seq)
        self._ids.append(row)
