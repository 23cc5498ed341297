"""Looking into the ring buffer from outside, while the gateway writes it or after.

Read-only, so it can neither change nor checkpoint anything; each question is answered at once and ends its
transaction, since a long reader would keep the write-ahead log from being folded back.
"""

import sqlite3
from pathlib import Path
from typing import Any

from agent.domain.errors import StoreError
from agent.store.database import SCHEMA_VERSION

# The least and the greatest of a key are asked for one at a time: both in one SELECT would scan the table.
_LOOK_BACK = 20_000


def utc_text(utc_us: str) -> str:
    """SQL for UTC microseconds as the views write them: 2026-07-01T06:00:00.000000Z."""
    return f"strftime('%Y-%m-%dT%H:%M:%S', ({utc_us}) / 1000000, 'unixepoch') || printf('.%06dZ', ({utc_us}) % 1000000)"


class Reader:
    """Raises StoreError, naming the file, when there is no readable ring buffer at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise StoreError(f"{path} does not exist yet: has the gateway ever run with this configuration?")
        try:
            self.connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}") from error
        # A flipped bit can make text that is no text; the row it is in has to be shown all the same.
        self.connection.text_factory = lambda text: text.decode("utf-8", "replace")
        try:
            self._check_version()
        except BaseException:
            self.connection.close()
            raise

    def _check_version(self) -> None:
        version = self.value("PRAGMA user_version")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} has schema {version} and this version reads {SCHEMA_VERSION}: a gateway of this version"
                " takes an older one over when it starts"
            )

    def ask(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """The rows by the names of their columns."""
        try:
            found = self.connection.execute(sql, values)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows as they are."""
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row; None if there is no row."""
        rows = self.rows(sql, *values)
        return rows[0][0] if rows else None

    def columns(self, table: str) -> list[str]:
        """Their names, in order."""
        return [name for (name,) in self.rows("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)]

    def latest(self) -> list[dict[str, Any]]:
        """The newest reading of every sensor heard of lately, by tank and probe; rows of the view `reading`."""
        newest = """SELECT max(seq) FROM readings
                    WHERE seq > (SELECT max(seq) FROM readings) - :look_back GROUP BY sensor"""
        ask = f"SELECT * FROM reading WHERE seq IN ({newest}) ORDER BY tank, probe, sensor"
        return self.ask(ask, look_back=_LOOK_BACK)

    def active_alarms(self) -> list[dict[str, Any]]:
        """Alarms whose condition holds, newest first; rows of the view `alarm`, with the time of their raising."""
        return self.ask(
            """SELECT alarm.*, min(began.time_utc) AS raised_utc
               FROM alarm_log AS t JOIN alarm USING (seq)
               JOIN alarm_log AS r ON (r.sensor, r.kind, r.raised) = (t.sensor, t.kind, t.raised)
               JOIN alarm AS began ON began.seq = r.seq
               WHERE t.seq IN (SELECT max(seq) FROM alarm_log GROUP BY sensor, kind) AND t.active
               GROUP BY t.seq ORDER BY t.seq DESC"""
        )

    def alarm_changes(self, most: int) -> list[dict[str, Any]]:
        """The newest changes of any alarm, newest first; rows of the view `alarm`."""
        return self.ask("SELECT * FROM alarm ORDER BY seq DESC LIMIT :most", most=most)

    def deliveries(self) -> list[dict[str, Any]]:
        """A row a sink: readings delivered, rejected, waiting (`backlog`), and lost in gaps."""
        return self.ask(
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
        return self.ask(
            """SELECT coalesce((SELECT max(seq) FROM readings) - (SELECT min(seq) FROM readings) + 1, 0) AS held,
                      (SELECT time_utc FROM reading ORDER BY seq LIMIT 1) AS oldest"""
        )[0]

    def close(self) -> None:
        self.connection.close()
