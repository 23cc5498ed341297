"""A checksum a row, since SQLite has none: a flipped bit in a value would pass for a measurement.

Every table ends with the column `crc`. It covers the table's name and all other columns, so a row found in a damaged
file also tells which table it belongs to.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any
from zlib import crc32


def checksum(table: str, row: Sequence[Any]) -> int:
    """CRC-32 of the table's name and the row without its `crc`: whole numbers, floats, text and None, as Python's
    `repr` writes the tuple (no -0.0, which SQLite keeps as 0.0); from -2**31 on, since SQLite keeps that in four bytes.
    """
    return crc32(repr((table, *row)).encode("utf-8", "backslashreplace")) - 0x8000_0000


def is_whole(table: str, row: Sequence[Any]) -> bool:
    """Whether the row, its `crc` last, is as it was written."""
    return bool(checksum(table, row[:-1]) == row[-1])


def whole_rows(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    """All rows of one of the small tables, in order and without their `crc`; for those without which nothing else can
    be understood. Raises sqlite3.DatabaseError (SQLITE_CORRUPT) if one is damaged: the salvage finds its second copy.
    """
    rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    for row in rows:
        if not is_whole(table, row):
            raise damaged(f"the row {row[0]!r} of {table} does not match its checksum")
    return [row[:-1] for row in rows]


def damaged(what: str) -> sqlite3.DatabaseError:
    """The error that SQLite itself raises for a damaged file."""
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error
