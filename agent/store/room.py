"""How many bytes the ring buffer may take, all files together, and how it keeps to that.

The setting bounds database, write-ahead log, ballast and the damaged files that are being salvaged. SQLite itself holds
the database to its share (`max_page_count`), and the log is folded back when it has grown to a part of its own. The
ring turns in what it has when the disk has no more to give; the ballast is thrown off should even that need more.
"""

import logging
import os
import shutil
import sqlite3
from pathlib import Path

log = logging.getLogger(__name__)

PAGE_BYTES = 1024
"""A page of a file that is made anew. A commit writes every page it touched, whole, and one of few readings touches
few bytes of each. A file that was made with other pages keeps them.
"""
_LEAST_LOG = 256 * 1024
_MOST_LOG = 16 * 1024 * 1024
_ROW_BYTES = 64  # a reading's row and its share of the pages above it, generously
_SPARE_BYTES = 32 * 1024
_LEAST_DATABASE = 256 * 1024


class Room:
    """`most_bytes` for the database at `path` and all that belongs to it."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._folder = path.parent
        self._ballast = path.with_name(path.name + "-ballast")
        self._most_bytes = most_bytes
        self._damaged = f"{path.name}.damaged-*"
        self.log_bytes = min(max(most_bytes // 8, _LEAST_LOG), _MOST_LOG)
        self.checkpoint_bytes = self.log_bytes // 4
        self.rows_at_once = self.log_bytes // 4 // _ROW_BYTES
        self._ballast_bytes = self.log_bytes // 2
        # For a fresh database and its log, should the old one be damaged while it is as large as it may be.
        self._reserve_bytes = 2 * self.log_bytes

    @property
    def database_bytes(self) -> int:
        """So much the setting leaves to the database."""
        others = self.log_bytes + self._ballast_bytes + max(self._reserve_bytes, self._bytes_set_aside())
        return max(self._most_bytes - others, _LEAST_DATABASE)

    def _bytes_set_aside(self) -> int:
        """What damaged files, and their logs, take on the disk; holes in them take nothing."""
        return sum(part.stat().st_blocks * 512 for part in self._folder.glob(self._damaged))

    def limit(self, connection: sqlite3.Connection) -> None:
        """Tell SQLite; it never cuts off pages that are in use already."""
        connection.execute(f"PRAGMA max_page_count = {self.database_bytes // page_bytes(connection)}")

    def missing_bytes(self, connection: sqlite3.Connection, rows: int, text_bytes: int) -> int:
        """How much that is in use has to go before so many rows, with so much text in them, fit in."""
        page = page_bytes(connection)
        there: int = connection.execute("PRAGMA page_count").fetchone()[0] * page
        unused: int = connection.execute("PRAGMA freelist_count").fetchone()[0] * page
        needed = (rows * _ROW_BYTES + text_bytes) * 3 // 2 + _SPARE_BYTES
        return there - unused + needed - min(self.database_bytes, there + self._growable_bytes())

    def _growable_bytes(self) -> int:
        """What the disk has left, beyond what the log may still need."""
        return max(shutil.disk_usage(self._folder).free - self.log_bytes, 0)

    def fill(self, connection: sqlite3.Connection, at_the_end: str) -> None:
        """Bring the log to the size it is used in, so that it never has to grow on a full disk, and the first pages of
        the file; what the script `at_the_end` makes lies behind those.

        No more than that: to take a page from the free ones of a file costs the writing of two more in each commit.
        """
        connection.execute("CREATE TABLE filling (zeros BLOB)")
        if self._growable_bytes() > self.checkpoint_bytes:
            connection.execute("INSERT INTO filling VALUES (zeroblob(?))", (self.checkpoint_bytes,))
        connection.executescript(at_the_end)
        connection.execute("DROP TABLE filling")

    def take_ballast(self) -> None:
        """Keep some bytes of the disk in hand; without them if it has too few."""
        if self._ballast.exists() or self._growable_bytes() < 2 * self._ballast_bytes:
            return
        try:
            with self._ballast.open("xb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, self._ballast_bytes)
        except OSError as error:
            log.warning("%s cannot be made (%s); a full disk is survived without it", self._ballast, error.strerror)
            self._ballast.unlink(missing_ok=True)

    def drop_ballast(self) -> None:
        """On a full disk: what is in the log can then be folded into the database, and the log begin anew."""
        if self._ballast.exists() and shutil.disk_usage(self._folder).free < self._ballast_bytes:
            log.warning("The disk of %s is full: the ballast is thrown off", self._folder)
            self._ballast.unlink()


def page_bytes(connection: sqlite3.Connection) -> int:
    """The size of the pages that the file really has."""
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return size
