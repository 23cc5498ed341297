"""How far each sink has got in each stream, and the newest 10,000 records that sinks refused for good."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Protocol

from agent.store.database import storable


class Refused(Protocol):
    """One record a sink refuses for good (the uplink's `Rejection` fits)."""

    @property
    def seq(self) -> int: ...

    @property
    def because(self) -> str: ...


_MOST_DEAD = 10_000

_TABLE = {"readings": "readings", "alerts": "alarm_log", "gaps": "gaps"}


class Cursors:
    """A low watermark a sink and stream; works inside its caller's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ensure(self, sinks: Sequence[str], feed: str) -> None:
        """Give every sink its cursors. A sink that is new begins with what the ring buffer still holds.

        `feed` is the local alarm feed, which has one for the alerts only.
        """
        rows = [(sink, stream) for sink in sinks for stream in _TABLE] + [(feed, "alerts")]
        self._connection.executemany("INSERT OR IGNORE INTO cursors (sink, stream, seq) VALUES (?, ?, 0)", rows)

    def seq(self, sink: str, stream: str) -> int:
        ask = "SELECT seq FROM cursors WHERE sink = ? AND stream = ?"
        seq: int = self._connection.execute(ask, (sink, stream)).fetchone()[0]
        return seq

    def settle(self, sink: str, stream: str, upto: int, rejected: Sequence[Refused]) -> None:
        """Move the cursor to `upto`; what lies between is delivered, except what is named in `rejected`."""
        table = _TABLE[stream]
        mine = "AND sink = :sink" if stream == "gaps" else ""
        cursor = self.seq(sink, stream)
        # What was evicted meanwhile is counted in a gap already.
        rejected = [refusal for refusal in rejected if cursor < refusal.seq <= upto]
        for refusal in rejected:
            self._set_aside(sink, stream, table, refusal)
        self._connection.execute(
            f"""UPDATE cursors SET rejected = rejected + :rejected, seq = :upto, delivered = delivered - :rejected +
                (SELECT count(*) FROM {table} WHERE seq > cursors.seq AND seq <= :upto {mine})
                WHERE sink = :sink AND stream = :stream AND seq < :upto""",
            {"rejected": len(rejected), "upto": upto, "sink": sink, "stream": stream},
        )

    def _set_aside(self, sink: str, stream: str, table: str, refusal: Refused) -> None:
        found = self._connection.execute(f"SELECT * FROM {table} WHERE seq = ?", (refusal.seq,))
        columns = [column[0] for column in found.description]
        entry = json.dumps(dict(zip(columns, found.fetchone() or (), strict=False)))
        added = self._connection.execute(
            "INSERT INTO dead_letters (sink, stream, seq, because, entry) VALUES (?, ?, ?, ?, ?)",
            (sink, stream, refusal.seq, storable(refusal.because), entry),
        )
        self._connection.execute("DELETE FROM dead_letters WHERE id <= ?", ((added.lastrowid or 0) - _MOST_DEAD,))
