"""Looking into the ring buffer from outside, while the gateway writes it: for `status` and `export`.

Read-only, so it can neither change nor checkpoint anything; each question is answered at once and ends its
transaction, since a long reader would keep the write-ahead log from being folded back.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from agent.domain.errors import StoreError

# The least and the greatest of a key are asked for one at a time: both in one SELECT would scan the table.
_LOOK_BACK = 20_000
_PAGE = 5_000


class Reader:
    """Raises StoreError, naming the file, when there is no readable ring buffer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise StoreError(f"{path} does not exist yet: has the gateway ever run with this configuration?")
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}") from error
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(f"{path}: {error}") from error
        self._database = Database(connection)

    def latest(self) -> list[dict[str, Any]]:
        """The newest reading of every sensor heard of lately, by tank and probe; rows of the view `reading`."""
        newest = """SELECT max(seq) FROM readings
                    WHERE seq > (SELECT max(seq) FROM readings) - :look_back GROUP BY sensor"""
        ask = f"SELECT * FROM reading WHERE seq IN ({newest}) ORDER BY tank, probe, sensor"
        return self._ask(ask, look_back=_LOOK_BACK)

    def active_alarms(self) -> list[dict[str, Any]]:
        """Alarms that stand, newest first; rows of the view `alarm`."""
        newest = "SELECT max(seq) FROM alarm_log GROUP BY sensor, kind"
        return self._ask(f"SELECT * FROM alarm WHERE seq IN ({newest}) AND change = 'raised' ORDER BY seq DESC")

    def alarm_changes(self, most: int) -> list[dict[str, Any]]:
        """The newest changes of any alarm, newest first; rows of the view `alarm`."""
        return self._ask("SELECT * FROM alarm ORDER BY seq DESC LIMIT :most", most=most)

    def deliveries(self) -> list[dict[str, Any]]:
        """A row a sink: readings delivered, rejected, waiting (`backlog`), and lost in gaps."""
        return self._ask(
            """SELECT sink, delivered, rejected,
                      coalesce((SELECT max(seq) FROM readings)
                               - max(cursors.seq, (SELECT min(seq) FROM readings) - 1), 0)
                      - (SELECT coalesce(sum(upto_seq - after_seq), 0) FROM ahead WHERE ahead.sink = cursors.sink)
                      AS backlog,
                      (SELECT coalesce(sum(count), 0) FROM gaps WHERE gaps.sink = cursors.sink) AS lost
               FROM cursors WHERE stream = 'readings' ORDER BY sink"""
        )

    def counts(self) -> dict[str, Any]:
        """Readings held, and the time of the oldest."""
        return self._ask(
            """SELECT coalesce((SELECT max(seq) FROM readings) - (SELECT min(seq) FROM readings) + 1, 0) AS held,
                      (SELECT time_utc FROM reading ORDER BY seq LIMIT 1) AS oldest"""
        )[0]

    def readings(self, from_us: int, to_us: int) -> Iterator[dict[str, Any]]:
        """Every reading measured in that half-open range of UTC microseconds, in the order it was stored."""
        seq = -1
        ask = """SELECT reading.* FROM readings AS r JOIN segments AS g ON g.id = r.segment JOIN reading USING (seq)
                 WHERE r.seq > :seq AND g.offset_us + 1000 * r.boot_ms >= :from_us
                   AND g.offset_us + 1000 * r.boot_ms < :to_us ORDER BY r.seq LIMIT :page"""
        while page := self._ask(ask, seq=seq, from_us=from_us, to_us=to_us, page=_PAGE):
            yield from page
            seq = page[-1]["seq"]

    def _ask(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        try:
            return list(self._database.query(sql, values))
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error

    def close(self) -> None:
        self._database.close()
