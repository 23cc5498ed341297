"""How many bytes the ring buffer may take, all files together, and how it keeps to that.

The setting bounds database, write-ahead log and the damaged files that are being salvaged. SQLite itself holds the
database to its share (`max_page_count`); the log is folded back when it has grown to a part of its own.
"""

import sqlite3
from collections.abc import Callable

PAGE_BYTES = 4096
_LEAST_LOG = 256 * 1024
_MOST_LOG = 16 * 1024 * 1024
_MOST_FILLED = 64 * 1024 * 1024
_ROW_BYTES = 64  # a reading's row and its share of the pages above it, generously


class Room:
    """`most_bytes` for everything; `others` tells how many of them files beside the database take at present."""

    def __init__(self, most_bytes: int, others: Callable[[], int] = lambda: 0) -> None:
        self._most_bytes = most_bytes
        self._others = others
        self.log_bytes = min(max(most_bytes // 8, _LEAST_LOG), _MOST_LOG)
        self.checkpoint_pages = max(self.log_bytes // PAGE_BYTES // 4, 16)
        self.rows_at_once = self.log_bytes // 4 // _ROW_BYTES

    @property
    def pages(self) -> int:
        """So many pages the database may have."""
        return max((self._most_bytes - self.log_bytes - self._others()) // PAGE_BYTES, 64)

    def limit(self, connection: sqlite3.Connection) -> None:
        """Tell SQLite; it never cuts off pages that are in use already."""
        connection.execute(f"PRAGMA max_page_count = {self.pages}")

    def missing_pages(self, connection: sqlite3.Connection, rows: int, text_bytes: int) -> int:
        """How many pages in use have to go before so many rows, with so much text in them, fit in."""
        ask = connection.execute
        used: int = ask("PRAGMA page_count").fetchone()[0] - ask("PRAGMA freelist_count").fetchone()[0]
        needed = (rows * _ROW_BYTES + text_bytes) * 5 // 4 // PAGE_BYTES + 8
        return used + needed - self.pages

    def fill(self, connection: sqlite3.Connection) -> None:
        """Take a part of the room, and the log's, from the disk now: a disk that is full later then stops nothing.

        Written in pieces that fit the log, then given free for the rows to come. A disk that is full already has less.
        """
        piece = self.log_bytes // 2
        pieces = min(self._most_bytes // 4, _MOST_FILLED) // piece
        connection.execute("CREATE TABLE filling (zeros BLOB)")
        try:
            for _ in range(pieces):
                connection.execute("INSERT INTO filling VALUES (zeroblob(?))", (piece,))
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "") != "SQLITE_FULL":
                raise
        connection.execute("DROP TABLE filling")
